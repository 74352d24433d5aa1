//! All rules at one time, linked to each other.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::circles;
use crate::check::{Check, Context, Link, Verdict, parse_list, parse_text};
use crate::credentials::Credentials;
use crate::error::{Defect, Reason};
use crate::file::PolicyFile;
use crate::rules::PolicyRule;
use crate::target::Target;

/// Where a rule stands: the file and the line, or nowhere for one from code.
type Place = Option<(PathBuf, usize)>;

pub(super) struct Table {
    index: HashMap<String, usize>,
    checks: Vec<Check>,
    /// The scopes of each rule; a rule that only the file has is for any.
    scopes: Vec<&'static [&'static str]>,
    default: Option<usize>,
    pub(super) defects: Vec<Defect>,
    /// What an operator should look at though nothing is wrong.
    pub(super) hints: Vec<String>,
}

/// A table being made.
#[derive(Default)]
struct Builder {
    index: HashMap<String, usize>,
    names: Vec<String>,
    checks: Vec<Check>,
    scopes: Vec<&'static [&'static str]>,
    places: Vec<Place>,
    complaints: Vec<Vec<String>>,
}

impl Builder {
    fn set(&mut self, name: &str, place: Place, parsed: crate::check::Parsed) -> usize {
        let index = *self.index.entry(name.to_owned()).or_insert(self.names.len());
        if index == self.names.len() {
            self.names.push(name.to_owned());
            self.checks.push(Check::Broken);
            self.scopes.push(&[]);
            self.places.push(None);
            self.complaints.push(Vec::new());
        }
        self.checks[index] = parsed.check;
        self.places[index] = place;
        self.complaints[index] = parsed.complaints;
        index
    }

    /// Turns names into places; returns who refers to whom.
    fn link(&mut self, default: Option<usize>) -> Vec<Vec<usize>> {
        let mut edges = vec![Vec::new(); self.checks.len()];
        for (from, check) in self.checks.iter_mut().enumerate() {
            check.for_each_link(&mut |link| {
                let Link::Name(name) = link else { return };
                match self.index.get(name).copied().or(default) {
                    Some(to) => {
                        edges[from].push(to);
                        *link = Link::Index(to);
                    }
                    None => {
                        let message = format!("refers to rule:{name}, and there is no such rule");
                        self.complaints[from].push(message);
                        *link = Link::Missing;
                    }
                }
            });
        }
        edges
    }

    /// Breaks every reference that leads back to where it stands.
    fn break_circles(&mut self, edges: &[Vec<usize>]) {
        let circle = circles::components(edges);
        for (from, check) in self.checks.iter_mut().enumerate() {
            check.for_each_link(&mut |link| {
                let Link::Index(to) = *link else { return };
                if circle[from] == circle[to] {
                    let message =
                        format!("refers to rule:{}, which leads back to it", self.names[to]);
                    self.complaints[from].push(message);
                    *link = Link::Circle;
                }
            });
        }
    }

    fn defects(&self) -> Vec<Defect> {
        let all = self.names.iter().zip(&self.places).zip(&self.complaints);
        all.flat_map(|((rule, place), complaints)| {
            complaints.iter().map(|message| Defect {
                rule: rule.clone(),
                place: place.clone(),
                message: message.clone(),
            })
        })
        .collect()
    }
}

impl Table {
    pub(super) fn new(defaults: &[PolicyRule], files: &[PolicyFile], default_rule: &str) -> Self {
        let mut builder = Builder::default();
        let mut twice = Vec::new();
        for rule in defaults {
            if builder.index.contains_key(rule.name) {
                twice.push(rule.name);
            }
            let index = builder.set(rule.name, None, parse_text(rule.check_str));
            builder.scopes[index] = rule.scope_types;
        }
        for file in files {
            for entry in &file.entries {
                let place = Some((file.path.clone(), entry.line));
                builder.set(&entry.name, place, parse_list(&entry.value));
            }
        }
        let default = builder.index.get(default_rule).copied();
        let edges = builder.link(default);
        builder.break_circles(&edges);
        let mut defects = builder.defects();
        defects.extend(twice.into_iter().map(|name| Defect {
            rule: name.to_owned(),
            place: None,
            message: "is declared twice".to_owned(),
        }));
        let hints = hints(&builder, defaults, &edges, default);
        let Builder { index, checks, scopes, .. } = builder;
        Self { index, checks, scopes, default, defects, hints }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// Why not; `None` for a yes.
    pub(super) fn decide(
        &self,
        rule: &str,
        target: &dyn Target,
        credentials: &Credentials,
        enforce_scope: bool,
    ) -> Option<Reason> {
        let own = self.index.get(rule).copied();
        let Some(index) = own.or(self.default) else { return Some(Reason::UnknownRule) };
        if let (Some(own), true) = (own, enforce_scope) {
            let (wanted, found) = (self.scopes[own], credentials.scope());
            if !wanted.is_empty() && !wanted.contains(&found) {
                return Some(Reason::Scope { wanted, found });
            }
        }
        let context = Context { rules: &self.checks, target, credentials };
        match context.verdict(&self.checks[index]) {
            Verdict::Yes => None,
            Verdict::No | Verdict::Broken | Verdict::Circle => Some(Reason::Rule),
        }
    }
}

/// Rules of the file that nothing asks for: most often a name written wrong.
fn hints(
    builder: &Builder,
    defaults: &[PolicyRule],
    edges: &[Vec<usize>],
    default: Option<usize>,
) -> Vec<String> {
    let used: HashSet<usize> = edges.iter().flatten().copied().chain(default).collect();
    let registered: HashSet<&str> = defaults.iter().map(|rule| rule.name).collect();
    let unasked = builder
        .names
        .iter()
        .enumerate()
        .filter(|(index, name)| !used.contains(index) && !registered.contains(name.as_str()));
    unasked
        .map(|(index, name)| {
            let place = match &builder.places[index] {
                Some((path, line)) => format!("{}:{line}: ", path.display()),
                None => String::new(),
            };
            let near = registered
                .iter()
                .map(|known| (strsim::osa_distance(name, known), known))
                .filter(|(distance, known)| *distance <= 1 + known.len() / 5)
                .min();
            let near = near.map(|(_, known)| format!("; did you mean {known}?"));
            format!("{place}nothing asks for rule {name}{}", near.unwrap_or_default())
        })
        .collect()
}
