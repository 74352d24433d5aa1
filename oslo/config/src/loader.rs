//! From files, environment and declarations to a [`Config`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Config, Inner};
use crate::declare::{Group, Open, OptionSpec};
use crate::environment::Environment;
use crate::error::{ConfigError, Problem, ProblemKind, Severity, Source};
use crate::files::{self, File, Place};

mod check;
mod resolve;

pub(crate) use resolve::Resolved;
use resolve::Resolver;

/// Declared options by group and name.
pub(crate) type Declared = BTreeMap<String, BTreeMap<&'static str, OptionSpec>>;

/// Where a configuration comes from. Nothing is read before [`Loader::load`], and it may be called
/// again to read everything anew.
#[derive(Clone, Debug)]
pub struct Loader {
    project: String,
    program: Option<String>,
    places: Vec<Place>,
    default_files: bool,
    environment: Option<Environment>,
    overrides: BTreeMap<(String, String), Vec<String>>,
    strict: bool,
}

/// A configuration with all that is wrong with it, as a command that checks one wants it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What could be read. Options with an error cannot be got from it.
    pub config: Config,
    /// Everything found, in the order of files and lines.
    pub problems: Vec<Problem>,
}

impl Loader {
    /// A loader for a project, whose name the default files bear: without files given, the first
    /// `<project>.conf` of `~/.<project>/`, `~/`, `/etc/<project>/` and `/etc/` is read, and
    /// without folders given the first `<project>.conf.d` likewise.
    #[must_use]
    pub fn new(project: &str) -> Self {
        Self {
            project: project.to_owned(),
            program: None,
            places: Vec::new(),
            default_files: true,
            environment: None,
            overrides: BTreeMap::new(),
            strict: false,
        }
    }

    /// The program's name, as `firn-api`: its own default files are read after the project's.
    #[must_use]
    pub fn program(mut self, name: &str) -> Self {
        self.program = Some(name.to_owned());
        self
    }

    /// Files, as each `--config-file` names one. The last wins.
    #[must_use]
    pub fn files<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.places.extend(paths.into_iter().map(|path| Place::File(path.into())));
        self
    }

    /// Folders, as each `--config-dir` names one: their `*.conf`, sorted by name. Files and
    /// folders count in the order of the calls.
    #[must_use]
    pub fn dirs<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.places.extend(paths.into_iter().map(|path| Place::Folder(path.into())));
        self
    }

    /// Whether to look for the default files; on unless said otherwise.
    #[must_use]
    pub fn default_files(mut self, look: bool) -> Self {
        self.default_files = look;
        self
    }

    /// An environment in place of the process's own, for tests.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment = Some(Environment::new(variables));
        self
    }

    /// Sets an option over everything else, as an option of the command line does. Several calls
    /// for one option add up for an option that may be given several times; else the last counts.
    #[must_use]
    pub fn set(mut self, group: &str, option: &str, value: impl Into<String>) -> Self {
        let key = (Group::normal(group), option.to_owned());
        self.overrides.entry(key).or_default().push(value.into());
        self
    }

    /// Makes unknown groups, and unknown options of `[DEFAULT]`, errors: for a command that checks a
    /// file with the groups of all programs.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Reads everything.
    ///
    /// # Errors
    /// Whatever is wrong with it, all at once; see the crate's page for what is an error.
    pub fn load(&self, groups: &[Group]) -> Result<Config, ConfigError> {
        let Outcome { config, problems } = self.read(groups);
        match problems.iter().any(|problem| problem.severity == Severity::Error) {
            true => Err(ConfigError::Invalid { problems }),
            false => Ok(config),
        }
    }

    /// Reads everything, and gives what can be used together with all that is wrong.
    #[must_use]
    pub fn read(&self, groups: &[Group]) -> Outcome {
        let mut problems = Vec::new();
        let declared = merged(groups, &mut problems);
        let files = files::read(&self.all_places(), &mut problems);
        let environment = self.environment.clone().unwrap_or_else(Environment::of_process);

        let mut resolver = Resolver::new(&declared, &files, &environment, &self.overrides);
        resolver.resolve_declared();
        let open = open_sections(groups, &declared, &files, &resolver);
        let raw = resolver.resolve_open(&open);
        let (resolved, found) = resolver.finish();
        problems.extend(found);
        let shared = shared(groups);
        let strict = self.strict;
        let check = check::Check { declared: &declared, open: &open, shared: &shared, strict };
        problems.extend(check.files(&files));
        problems.extend(check.environment(&environment));
        problems.extend(check.overrides(self.overrides.keys()));
        sort(&mut problems, &files);

        let warnings = problems.iter().filter(|p| p.severity == Severity::Warning);
        let inner = Inner {
            warnings: warnings.cloned().collect(),
            loader: self.clone(),
            groups: groups.to_vec(),
            folders: files::search_folders(&self.project, &self.places),
            files: files.into_iter().map(|file| file.path).collect(),
            declared,
            resolved,
            raw,
        };
        Outcome { config: Config { inner: Arc::new(inner) }, problems }
    }

    fn all_places(&self) -> Vec<Place> {
        let is_file = |place: &Place| matches!(place, Place::File(_));
        let given = |file| self.places.iter().any(|place| is_file(place) == file);
        let mut places = match self.default_files {
            true => files::default_places(&self.project, self.program.as_deref()),
            false => Vec::new(),
        };
        places.retain(|place| !given(is_file(place)));
        places.extend(self.places.iter().cloned());
        places
    }
}

/// One table of all groups; two parts of a program may declare the same group.
fn merged(groups: &[Group], problems: &mut Vec<Problem>) -> Declared {
    let mut declared = Declared::new();
    for group in groups.iter().filter(|group| group.open == Open::No) {
        let options = declared.entry(Group::normal(&group.name)).or_default();
        for spec in &group.options {
            let earlier = options.insert(spec.name, spec.clone());
            if earlier.is_some_and(|earlier| !earlier.same_as(spec)) {
                let message = "is declared twice and differently by the program";
                let problem = Problem::error(ProblemKind::Declaration, message);
                problems.push(problem.of(&group.name, Some(spec.name)));
            }
        }
    }
    declared
}

/// The groups that other programs read too.
fn shared(groups: &[Group]) -> BTreeSet<String> {
    let shared = groups.iter().filter(|group| group.shared);
    shared.map(|group| Group::normal(&group.name)).collect()
}

/// The sections whose options nobody declares: in files, and those that a list names.
fn open_sections(
    groups: &[Group],
    declared: &Declared,
    files: &[File],
    resolver: &Resolver<'_>,
) -> BTreeSet<String> {
    let sections = || files.iter().flat_map(|file| &file.sections).map(|section| &section.0);
    let mut open = BTreeSet::new();
    for group in groups {
        match &group.open {
            Open::No => {}
            Open::Named => {
                let name = Group::normal(&group.name);
                let fits = |section: &&String| match name.strip_suffix('*') {
                    Some(start) => section.starts_with(start),
                    None => **section == name,
                };
                open.extend(sections().filter(fits).cloned());
            }
            Open::Listed(group, option) => {
                let names = resolver.list(group, option);
                open.extend(names.iter().map(|name| Group::normal(name)));
            }
        }
    }
    open.retain(|section| !declared.contains_key(section));
    open
}

/// Files in their order, then what has no line.
fn sort(problems: &mut [Problem], files: &[File]) {
    problems.sort_by_key(|problem| match &problem.source {
        Some(Source::File { path, line }) => {
            (files.iter().position(|file| file.path == *path).unwrap_or(0), *line)
        }
        _ => (files.len(), 0),
    });
}
