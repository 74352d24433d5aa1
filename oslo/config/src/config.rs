//! A configuration that was read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::declare::{Group, Options};
use crate::error::{ConfigError, Problem, ProblemKind, Source};
use crate::loader::{Declared, Loader, Resolved};
use crate::redact::redacted;
use crate::value::OptionValue;

pub(crate) struct Inner {
    pub(crate) loader: Loader,
    pub(crate) groups: Vec<Group>,
    pub(crate) files: Vec<PathBuf>,
    /// Where [`Config::find_file`] looks.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) declared: Declared,
    pub(crate) resolved: BTreeMap<(String, String), Resolved>,
    pub(crate) raw: BTreeMap<String, BTreeMap<String, Resolved>>,
    pub(crate) warnings: Vec<Problem>,
}

/// The values of all declared options. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Config {
    pub(crate) inner: Arc<Inner>,
}

/// An option whose value differs between two configurations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Its group.
    pub group: String,
    /// Its name.
    pub option: String,
}

impl Config {
    /// The options of a struct made by [`crate::options!`].
    ///
    /// # Errors
    /// Its group was not declared when the configuration was loaded.
    pub fn get<T: Options>(&self) -> Result<T, ConfigError> {
        self.get_as(T::GROUP)
    }

    /// The options of a struct, from a group declared with `group_as`.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn get_as<T: Options>(&self, group: &str) -> Result<T, ConfigError> {
        T::read(&Reader { config: self, group: Group::normal(group) })
    }

    /// One option's value as its type writes it, a list with commas, several values as several
    /// texts; `None` when it is not set or not declared. Secrets too: not for showing.
    #[must_use]
    pub fn text(&self, group: &str, option: &str) -> Option<&[String]> {
        let key = (Group::normal(group), option.to_owned());
        let resolved = self.inner.resolved.get(&key)?;
        resolved.canonical.as_deref().filter(|_| resolved.problem.is_none())
    }

    /// Where an option's value comes from; `None` for a default.
    #[must_use]
    pub fn source(&self, group: &str, option: &str) -> Option<&Source> {
        let key = (Group::normal(group), option.to_owned());
        self.inner.resolved.get(&key)?.source.as_ref()
    }

    /// The names of the open groups that are there, see [`Group::open`].
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.inner.raw.keys().map(String::as_str)
    }

    /// The options of an open group as they are written, references put in. They may be secrets.
    #[must_use]
    pub fn raw(&self, section: &str) -> Option<BTreeMap<&str, &str>> {
        let options = self.inner.raw.get(&Group::normal(section))?;
        Some(
            options
                .iter()
                .filter_map(|(name, resolved)| {
                    Some((name.as_str(), resolved.values.as_ref()?.last()?.as_str()))
                })
                .collect(),
        )
    }

    /// The files that were read, in their order, for the log.
    #[must_use]
    pub fn files_used(&self) -> &[PathBuf] {
        &self.inner.files
    }

    /// The file or folder that an option names, as `policy.yaml`, looked for beside the
    /// configuration: in the folders given, in those of the files given, in `~/.<project>/`, `~/`,
    /// `/etc/<project>/` and `/etc/`. `None` when it is in none of them; an absolute path is only
    /// looked at.
    #[must_use]
    pub fn find_file(&self, name: &Path) -> Option<PathBuf> {
        self.inner.folders.iter().map(|folder| folder.join(name)).find(|path| path.exists())
    }

    /// What an operator should look at, for the log.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.inner.warnings
    }

    /// Every option as `group.option = value`, for the log: secrets are hidden, also inside of
    /// values that refer to them, and passwords in URLs. Open groups show names only.
    #[must_use]
    pub fn dump(&self) -> Vec<String> {
        let declared = self.inner.resolved.iter().map(|((group, option), resolved)| {
            let value = match (&resolved.canonical, resolved.secret) {
                (None, _) => "<not set>".to_owned(),
                (Some(_), true) => "***".to_owned(),
                (Some(values), false) => redacted(&values.join(" | ")).replace('\n', "\\n"),
            };
            format!("{group}.{option} = {value}")
        });
        let open = self.inner.raw.iter().flat_map(|(group, options)| {
            options.keys().map(move |option| format!("{group}.{option} = ***"))
        });
        declared.chain(open).collect()
    }

    /// Reads everything again, from the same places and for the same options.
    ///
    /// # Errors
    /// As [`Loader::load`]; this configuration stays as it is.
    pub fn reload(&self) -> Result<Self, ConfigError> {
        self.inner.loader.load(&self.inner.groups)
    }

    /// The options whose values differ from another configuration's, sorted.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let (mine, theirs) = (self.values(), other.values());
        let keys = mine.keys().chain(theirs.keys()).copied();
        let differ = keys.filter(|key| mine.get(key) != theirs.get(key));
        let mut changes: Vec<_> = differ
            .map(|(group, option)| Change { group: group.to_owned(), option: option.to_owned() })
            .collect();
        changes.sort();
        changes.dedup();
        changes
    }

    fn values(&self) -> BTreeMap<(&str, &str), &[String]> {
        let declared = self.inner.resolved.iter().map(|((g, o), r)| ((g.as_str(), o.as_str()), r));
        let open = self.inner.raw.iter().flat_map(|(group, options)| {
            options.iter().map(move |(option, r)| ((group.as_str(), option.as_str()), r))
        });
        declared.chain(open).filter_map(|(key, r)| Some((key, r.canonical.as_deref()?))).collect()
    }
}

/// Hides what [`Config::dump`] hides.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("files", &self.inner.files)
            .field("values", &self.dump())
            .finish()
    }
}

/// Hands the values of one group to the struct that declares it.
pub struct Reader<'a> {
    config: &'a Config,
    group: String,
}

impl Reader<'_> {
    /// One option's value.
    ///
    /// # Errors
    /// The option was not declared, or has no usable value.
    pub fn value<T: OptionValue>(
        &self,
        name: &str,
        default: impl FnOnce() -> Option<T>,
    ) -> Result<T, ConfigError> {
        let name = name.trim_start_matches("r#");
        let inner = &self.config.inner;
        let spec = inner.declared.get(&self.group).and_then(|options| options.get(name));
        let resolved = inner.resolved.get(&(self.group.clone(), name.to_owned()));
        let (Some(spec), Some(resolved)) = (spec, resolved) else {
            return Err(ConfigError::NotDeclared { group: self.group.clone() });
        };
        let invalid = |kind, message: &str| {
            let problem = Problem::error(kind, message)
                .of(&self.group, Some(name))
                .at(resolved.source.clone());
            ConfigError::Invalid { problems: vec![problem] }
        };
        if let Some(problem) = &resolved.problem {
            return Err(ConfigError::Invalid { problems: vec![problem.clone()] });
        }
        match &resolved.values {
            Some(values) => T::parse_all(values, &spec.rules)
                .map_err(|error| invalid(ProblemKind::BadValue, error.without_value())),
            None => default().ok_or_else(|| invalid(ProblemKind::Missing, "is not set")),
        }
    }
}
