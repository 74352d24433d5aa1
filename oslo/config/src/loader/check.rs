//! Finds what nobody declared, and what is written twice or by an old name.

use std::collections::BTreeSet;

use super::Declared;
use crate::declare::OptionSpec;
use crate::environment::Environment;
use crate::error::{Problem, ProblemKind, Severity, Source};
use crate::files::{File, Found};

pub(crate) struct Check<'a> {
    pub(crate) declared: &'a Declared,
    pub(crate) open: &'a BTreeSet<String>,
    pub(crate) shared: &'a BTreeSet<String>,
    pub(crate) strict: bool,
}

impl Check<'_> {
    pub(crate) fn files(&self, files: &[File]) -> Vec<Problem> {
        files.iter().flat_map(|file| self.file(file)).collect()
    }

    fn file(&self, file: &File) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (group, line) in &file.sections {
            if self.open.contains(group) {
                continue;
            }
            if !self.declared.contains_key(group) && !self.is_old_group(group) {
                let severity = if self.strict { Severity::Error } else { Severity::Warning };
                let known = self.declared.keys().map(String::as_str);
                let message = format!("unknown group{}", did_you_mean(group, known));
                problems.push(
                    Problem::new(severity, ProblemKind::UnknownGroup, message)
                        .of(group, None)
                        .at(Some(Source::File { path: file.path.clone(), line: *line })),
                );
                continue;
            }
            for (option, values) in file.values.get(group).into_iter().flatten() {
                problems.extend(self.option(group, option, values));
            }
        }
        problems
    }

    fn option(&self, group: &str, option: &str, values: &[Found]) -> Vec<Problem> {
        let last = values.last().map(|found| found.source.clone());
        let named = |problem: Problem| problem.of(group, Some(option)).at(last.clone());
        let Some((current_group, spec)) = self.spec(group, option) else {
            return vec![named(self.unknown(group, option))];
        };
        let mut problems = Vec::new();
        if (current_group, spec.name) != (group, option) {
            let message = format!("is an old name; use {} in [{current_group}]", spec.name);
            problems.push(named(Problem::warning(ProblemKind::Deprecated, message)));
        }
        if let ([.., before, _], false) = (values, spec.rules.multi) {
            let message = format!("is set twice in the file, before at {}", before.source);
            problems.push(named(Problem::warning(ProblemKind::Duplicate, message)));
        }
        problems
    }

    fn unknown(&self, group: &str, option: &str) -> Problem {
        // A near name is a slip of the pen, in a shared group too.
        if self.shared.contains(group) && self.near(group, option).is_empty() {
            let elsewhere = self.suggestion(group, option);
            let message = format!("unknown option; it has no effect here{elsewhere}");
            return Problem::warning(ProblemKind::UnknownOption, message);
        }
        // DEFAULT, and a section that is here only for an old name, may hold what another
        // program declares.
        let own = self.declared.contains_key(group) && group != "DEFAULT";
        let severity = if own || self.strict { Severity::Error } else { Severity::Warning };
        let message = format!("unknown option{}", self.suggestion(group, option));
        Problem::new(severity, ProblemKind::UnknownOption, message)
    }

    /// The option that goes by a name, and its current group.
    fn spec(&self, group: &str, option: &str) -> Option<(&str, &OptionSpec)> {
        let current = self.declared.get_key_value(group);
        let current = current.and_then(|(group, o)| Some((group.as_str(), o.get(option)?)));
        current.or_else(|| {
            let all = self.declared.iter();
            let mut all =
                all.flat_map(|(group, options)| options.values().map(move |o| (group, o)));
            let goes_by = |(own, spec): &(&String, &OptionSpec)| {
                spec.names(own).any(|name| name == (group, option))
            };
            all.find(goes_by).map(|(group, spec)| (group.as_str(), spec))
        })
    }

    fn is_old_group(&self, group: &str) -> bool {
        let mut all = self.declared.values().flat_map(|options| options.values());
        all.any(|spec| spec.names("").any(|(old, _)| old == group))
    }

    pub(crate) fn environment(&self, environment: &Environment) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (group, options) in self.declared {
            for option in environment.options_of(group) {
                if !options.keys().any(|known| known.to_lowercase() == option) {
                    let message = format!("unknown option{}", self.suggestion(group, &option));
                    let variable = Environment::name(group, &option);
                    problems.push(
                        Problem::warning(ProblemKind::UnknownOption, message)
                            .of(group, Some(&option))
                            .at(Some(Source::Environment(variable))),
                    );
                }
            }
        }
        problems
    }

    /// The program set what it did not declare.
    pub(crate) fn overrides<'k>(
        &self,
        keys: impl Iterator<Item = &'k (String, String)>,
    ) -> Vec<Problem> {
        let unknown = keys.filter(|(group, option)| {
            let declared = self.declared.get(group).is_some_and(|o| o.contains_key(&**option));
            !declared && !self.open.contains(group)
        });
        unknown
            .map(|(group, option)| {
                let message = format!("unknown option{}", self.suggestion(group, option));
                Problem::error(ProblemKind::UnknownOption, message)
                    .of(group, Some(option))
                    .at(Some(Source::Program))
            })
            .collect()
    }

    fn near(&self, group: &str, option: &str) -> String {
        let own = self.declared.get(group).into_iter().flat_map(|options| options.keys().copied());
        did_you_mean(option, own)
    }

    /// A near name in the group, or the group that has just this name.
    fn suggestion(&self, group: &str, option: &str) -> String {
        let near = self.near(group, option);
        if !near.is_empty() {
            return near;
        }
        let elsewhere = self.declared.iter().find(|(_, options)| options.contains_key(option));
        elsewhere.map(|(group, _)| format!("; it belongs in [{group}]")).unwrap_or_default()
    }
}

/// `; did you mean x?` when a known name is near, or nothing.
fn did_you_mean<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let near = known
        .map(|candidate| (strsim::osa_distance(&plain(name), &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min();
    near.map(|(_, candidate)| format!("; did you mean {candidate}?")).unwrap_or_default()
}
