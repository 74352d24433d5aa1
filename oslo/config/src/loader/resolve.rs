//! Finds each option's value and puts in what it refers to.

use std::collections::{BTreeMap, BTreeSet};

use super::Declared;
use crate::declare::OptionSpec;
use crate::environment::Environment;
use crate::error::{Problem, ProblemKind, Source};
use crate::files::{File, Found};
use crate::interpolate::{Part, is_template, parts};

type Key = (String, String);

/// The open sections' values.
pub(crate) type Raw = BTreeMap<String, BTreeMap<String, Resolved>>;

/// What became of one option.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The texts to read, references put in; `None` leaves it to the declared default.
    pub(crate) values: Option<Vec<String>>,
    /// The value as its type writes it; `None` for "not set".
    pub(crate) canonical: Option<Vec<String>>,
    pub(crate) source: Option<Source>,
    /// Declared secret, or made of something that is.
    pub(crate) secret: bool,
    /// Why there is no value.
    pub(crate) problem: Option<Problem>,
}

impl Resolved {
    /// The value as one text, for who refers to it.
    fn text(&self) -> String {
        self.canonical.as_ref().map(|values| values.join(",")).unwrap_or_default()
    }
}

/// A text with everything put in.
struct Filled {
    text: String,
    secret: bool,
}

pub(crate) struct Resolver<'a> {
    declared: &'a Declared,
    files: &'a [File],
    environment: &'a Environment,
    overrides: &'a BTreeMap<Key, Vec<String>>,
    open: BTreeSet<String>,
    done: BTreeMap<Key, Resolved>,
    /// The options being resolved, to see circles.
    stack: Vec<Key>,
    problems: Vec<Problem>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        declared: &'a Declared,
        files: &'a [File],
        environment: &'a Environment,
        overrides: &'a BTreeMap<Key, Vec<String>>,
    ) -> Self {
        Self {
            declared,
            files,
            environment,
            overrides,
            open: BTreeSet::new(),
            done: BTreeMap::new(),
            stack: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn resolve_declared(&mut self) {
        let declared = self.declared;
        for (group, options) in declared {
            for spec in options.values() {
                self.option(group, spec);
            }
        }
    }

    /// The items of a list that was resolved.
    pub(crate) fn list(&self, group: &str, option: &str) -> Vec<String> {
        let resolved = self.done.get(&(group.to_owned(), option.to_owned()));
        let texts = resolved.and_then(|resolved| resolved.canonical.clone()).unwrap_or_default();
        let items = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// The values of the open sections.
    pub(crate) fn resolve_open(&mut self, open: &BTreeSet<String>) -> Raw {
        self.open = open.clone();
        let mut all = Raw::new();
        for group in open {
            let mut names: BTreeSet<String> =
                self.environment.options_of(group).into_iter().collect();
            names.extend(self.overrides.keys().filter(|k| k.0 == *group).map(|k| k.1.clone()));
            let in_files = self.files.iter().filter_map(|file| file.values.get(group));
            names.extend(in_files.flat_map(|options| options.keys().cloned()));
            let values =
                names.into_iter().map(|name| (name.clone(), self.raw(group, &name))).collect();
            all.insert(group.clone(), values);
        }
        all
    }

    pub(crate) fn finish(self) -> (BTreeMap<Key, Resolved>, Vec<Problem>) {
        (self.done, self.problems)
    }

    /// Resolves a declared option once.
    fn option(&mut self, group: &str, spec: &OptionSpec) -> Resolved {
        let key = (group.to_owned(), spec.name.to_owned());
        if let Some(done) = self.done.get(&key) {
            return done.clone();
        }
        self.stack.push(key.clone());
        let resolved = self.resolve(group, spec);
        self.stack.pop();
        self.problems.extend(resolved.problem.clone());
        self.done.insert(key, resolved.clone());
        resolved
    }

    fn resolve(&mut self, group: &str, spec: &OptionSpec) -> Resolved {
        let mut resolved = Resolved {
            values: None,
            canonical: spec.default.clone(),
            source: None,
            secret: spec.secret,
            problem: None,
        };
        let found = self.find(group, spec);
        let from_default = spec.default.iter().flatten().any(|text| is_template(text));
        let found = match (found.is_empty(), from_default) {
            (false, _) => found,
            (true, true) => {
                let default = spec.default.iter().flatten();
                default.map(|text| (text.clone(), None)).collect()
            }
            (true, false) => {
                if spec.required {
                    let problem =
                        Problem::error(ProblemKind::Missing, "is not set, and there is no default");
                    resolved.problem = Some(problem.of(group, Some(spec.name)));
                }
                return resolved;
            }
        };
        resolved.source = found.last().and_then(|(_, source)| source.clone());
        let failed = |kind, message: String, source| {
            Some(Problem::error(kind, message).of(group, Some(spec.name)).at(source))
        };
        let mut values = Vec::new();
        for (text, source) in found {
            match self.fill(group, &text) {
                Ok(filled) => {
                    resolved.secret |= filled.secret;
                    values.push(filled.text);
                }
                Err(message) => {
                    resolved.problem = failed(ProblemKind::Reference, message, source);
                    return resolved;
                }
            }
        }
        match spec.canonical(&values) {
            Ok(canonical) => resolved.canonical = canonical,
            Err(error) => {
                let message = match resolved.secret {
                    true => error.without_value().to_owned(),
                    false => crate::redacted(&error.to_string()),
                };
                let source = resolved.source.clone();
                resolved.problem = failed(ProblemKind::BadValue, message, source);
            }
        }
        resolved.values = Some(values);
        resolved
    }

    /// The texts that set a declared option, weakest first; one unless it may be given several
    /// times.
    fn find(&self, group: &str, spec: &OptionSpec) -> Vec<(String, Option<Source>)> {
        if let Some(texts) = self.overrides.get(&(group.to_owned(), spec.name.to_owned())) {
            let keep = if spec.rules.multi { texts.len() } else { 1 };
            let texts = texts[texts.len() - keep..].iter();
            return texts.map(|text| (text.clone(), Some(Source::Program))).collect();
        }
        if let Some((variable, text)) = self.environment.get(group, spec.name) {
            return vec![(text.to_owned(), Some(Source::Environment(variable)))];
        }
        let pair = |found: &Found| (found.text.clone(), Some(found.source.clone()));
        let names = spec.names(group);
        let in_file =
            |file: &'a File| names.clone().filter_map(move |(group, name)| file.get(group, name));
        if spec.rules.multi {
            // Within a file the current name's values come last.
            let per_file = self.files.iter().flat_map(|file| {
                let mut values: Vec<_> = in_file(file).collect();
                values.reverse();
                values
            });
            return per_file.flatten().map(pair).collect();
        }
        let newest = self.files.iter().rev().find_map(|file| in_file(file).next());
        newest.and_then(<[Found]>::last).map(pair).into_iter().collect()
    }

    /// A value of an open section.
    fn raw(&mut self, group: &str, name: &str) -> Resolved {
        let key = (group.to_owned(), name.to_owned());
        let overridden = self.overrides.get(&key).and_then(|texts| texts.last());
        let (text, source) = if let Some(text) = overridden {
            (text.clone(), Source::Program)
        } else if let Some((variable, text)) = self.environment.get(group, name) {
            (text.to_owned(), Source::Environment(variable))
        } else {
            let newest = self.files.iter().rev().find_map(|file| file.get(group, name)?.last());
            match newest {
                Some(found) => (found.text.clone(), found.source.clone()),
                None => (String::new(), Source::Program),
            }
        };
        self.stack.push(key);
        let filled = self.fill(group, &text);
        self.stack.pop();
        let source = Some(source);
        match filled {
            Ok(Filled { text, secret }) => {
                let values = Some(vec![text]);
                Resolved { canonical: values.clone(), values, source, secret, problem: None }
            }
            Err(message) => {
                let problem = Problem::error(ProblemKind::Reference, message)
                    .of(group, Some(name))
                    .at(source.clone());
                self.problems.push(problem.clone());
                let problem = Some(problem);
                Resolved { values: None, canonical: None, source, secret: false, problem }
            }
        }
    }

    /// Puts in what a text refers to.
    fn fill(&mut self, group: &str, text: &str) -> Result<Filled, String> {
        let mut filled = Filled { text: String::new(), secret: false };
        for part in parts(text) {
            match part {
                Part::Text(text) => filled.text.push_str(text),
                Part::Reference(name) => {
                    let resolved = self.referred(group, name)?;
                    if resolved.problem.is_some() {
                        return Err(format!("refers to ${name}, which has no usable value"));
                    }
                    filled.secret |= resolved.secret;
                    filled.text.push_str(&resolved.text());
                }
            }
        }
        Ok(filled)
    }

    fn referred(&mut self, group: &str, name: &str) -> Result<Resolved, String> {
        let candidates = match name.split_once('.') {
            Some((group, name)) => vec![(group.to_owned(), name.to_owned())],
            None => {
                vec![(group.to_owned(), name.to_owned()), ("DEFAULT".to_owned(), name.to_owned())]
            }
        };
        let declared = self.declared;
        for (group, name) in candidates {
            let spec = declared.get(&group).and_then(|options| {
                let old = |spec: &&OptionSpec| {
                    spec.names(&group).any(|known| known == (group.as_str(), name.as_str()))
                };
                options.get(name.as_str()).or_else(|| options.values().find(old))
            });
            let key = (group, name);
            let open = self.open.contains(&key.0)
                && self.files.iter().any(|file| file.get(&key.0, &key.1).is_some());
            if spec.is_none() && !open {
                continue;
            }
            let circle = (key.0.clone(), spec.map_or(key.1.as_str(), |spec| spec.name).to_owned());
            if self.stack.contains(&circle) {
                return Err(format!("refers to ${}, which leads back here", key.1));
            }
            return Ok(match spec {
                Some(spec) => self.option(&key.0, spec),
                None => self.raw(&key.0, &key.1),
            });
        }
        Err(format!("refers to ${name}, and there is no such option; write $$ for a dollar sign"))
    }
}
