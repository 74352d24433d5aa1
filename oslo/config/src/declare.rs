//! Declared options and groups. Programs write [`crate::options!`]; this is what it makes.

use crate::config::{Config, Reader};
use crate::error::ConfigError;
use crate::loader::Loader;
use crate::value::{OptionValue, ValueError};

/// What a value has to keep to besides its type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Least value of a number.
    pub min: Option<f64>,
    /// Greatest value of a number.
    pub max: Option<f64>,
    /// The only texts allowed; empty when every text is.
    pub choices: &'static [&'static str],
    /// The option may be given several times, and its values add up over all files.
    pub multi: bool,
}

impl Rules {
    pub(crate) fn check_range(&self, text: &str, value: f64) -> Result<(), ValueError> {
        match (self.min, self.max) {
            (Some(min), _) if value < min => {
                Err(ValueError::of(text, &format!("is less than {min}")))
            }
            (_, Some(max)) if value > max => {
                Err(ValueError::of(text, &format!("is more than {max}")))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn check_choice(&self, text: &str) -> Result<(), ValueError> {
        if self.choices.is_empty() || self.choices.contains(&text) {
            return Ok(());
        }
        Err(ValueError::of(text, &format!("is none of {}", self.choices.join(", "))))
    }
}

type Canonical = fn(&[String], &Rules) -> Result<Option<Vec<String>>, ValueError>;

/// One declared option.
#[derive(Clone, Debug)]
pub struct OptionSpec {
    /// The name, in the file and in the struct.
    pub name: &'static str,
    /// The help, a line of the declaration each.
    pub help: &'static [&'static str],
    /// What the sample calls its type.
    pub type_name: &'static str,
    /// What a value has to keep to.
    pub rules: Rules,
    /// Never shown.
    pub secret: bool,
    /// Earlier names: `name` in the same group, or `group.name`.
    pub deprecated: Vec<&'static str>,
    /// What the sample shows for a default that depends on the machine.
    pub sample: Option<String>,
    /// The default as text; `None` when there is none.
    pub default: Option<Vec<String>>,
    /// Without a default, and not optional by its type.
    pub required: bool,
    /// Reads values and writes them in their one canonical form; `None` for "not set".
    canonical: Canonical,
}

impl OptionSpec {
    /// An option of type `T` without default and rules.
    #[must_use]
    pub fn new<T: OptionValue>(name: &'static str, help: &'static [&'static str]) -> Self {
        Self {
            name: name.trim_start_matches("r#"),
            help,
            type_name: T::type_name(),
            rules: Rules { choices: T::choices(), ..Rules::default() },
            secret: false,
            deprecated: Vec::new(),
            sample: None,
            default: None,
            required: false,
            canonical: |values, rules| Ok(T::parse_all(values, rules)?.format_all(rules)),
        }
    }

    /// Sets the default; `None` makes the option one that has to be set.
    #[must_use]
    pub fn with_default<T: OptionValue>(mut self, default: Option<T>) -> Self {
        self.required = default.is_none();
        self.default = default.and_then(|value| value.format_all(&self.rules));
        self
    }

    pub(crate) fn canonical(&self, values: &[String]) -> Result<Option<Vec<String>>, ValueError> {
        (self.canonical)(values, &self.rules)
    }

    /// The (group, name) pairs it goes by, the current one first.
    pub(crate) fn names<'a>(
        &'a self,
        group: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        let old = self.deprecated.iter().map(move |name| match name.split_once('.') {
            Some((group, name)) => (group, name),
            None => (group, *name),
        });
        std::iter::once((group, self.name)).chain(old)
    }

    /// Whether both declare the same thing, so that two programs' parts may both do it.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.type_name == other.type_name
            && self.rules == other.rules
            && self.secret == other.secret
            && self.default == other.default
            && self.required == other.required
    }
}

/// A section and what may stand in it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The section's name. For an open group with a `*` at its end: how the names begin.
    pub name: String,
    /// The help above the section in the sample, a line of the declaration each.
    pub help: Vec<String>,
    /// The declared options; empty for an open group.
    pub options: Vec<OptionSpec>,
    /// Which further sections may hold any option.
    pub(crate) open: Open,
    /// Other programs read it too.
    pub(crate) shared: bool,
}

/// Sections whose options nobody declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// None: the options are declared.
    No,
    /// Those that bear the name, or begin with it when it ends with `*`.
    Named,
    /// Those that an option lists, by group and name.
    Listed(String, String),
}

impl Group {
    /// A group with declared options.
    #[must_use]
    pub fn new(name: &str, help: &[&str], options: Vec<OptionSpec>) -> Self {
        let help = help.iter().map(|line| (*line).to_owned()).collect();
        Self { name: name.to_owned(), help, options, open: Open::No, shared: false }
    }

    /// A group that other programs read too, by a library that knows more options than are declared
    /// here, as `[keystone_authtoken]`: what deployment tools write for all of them alike must not
    /// stop this one. An unknown option is a warning there, unless its name is near a declared one.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// A group with any option, as a driver's own: `driver:*` stands for every section whose name
    /// begins with `driver:`. Read them with [`Config::sections`] and [`Config::raw`].
    #[must_use]
    pub fn open(name: &str, help: &[&str]) -> Self {
        Self { open: Open::Named, ..Self::new(name, help, Vec::new()) }
    }

    /// Groups with any option, whose names the list `group.option` gives, as the sections of
    /// `enabled_backends = ceph, nfs`.
    #[must_use]
    pub fn open_listed_in(group: &str, option: &str) -> Self {
        let open = Open::Listed(group.to_owned(), option.to_owned());
        Self { open, ..Self::new("", &[], Vec::new()) }
    }

    /// How a section's name is compared: only DEFAULT has capitals, the others may be written in
    /// any case.
    pub(crate) fn normal(name: &str) -> String {
        if name == "DEFAULT" { name.to_owned() } else { name.to_lowercase() }
    }
}

/// A struct made by [`crate::options!`].
pub trait Options: Sized {
    /// The group it was declared in.
    const GROUP: &'static str;

    /// The group's help, a line each.
    const HELP: &'static [&'static str];

    /// Its options, in their order.
    fn specs() -> Vec<OptionSpec>;

    /// Reads every option.
    ///
    /// # Errors
    /// A value cannot be read. [`Loader::load`] has refused such already.
    fn read(reader: &Reader<'_>) -> Result<Self, ConfigError>;

    /// The group under another name: several sections of one form.
    #[must_use]
    fn group_as(name: &str) -> Group {
        Group::new(name, Self::HELP, Self::specs())
    }

    /// Its defaults, without any file or environment.
    ///
    /// # Errors
    /// An option has none and must be set.
    fn defaults() -> Result<Self, ConfigError> {
        let config: Config = Loader::new("")
            .default_files(false)
            .environment(Vec::new())
            .load(&[Self::group_as(Self::GROUP)])?;
        config.get()
    }
}
