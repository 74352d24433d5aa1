//! What can be wrong with a configuration, and where it stands.

use std::fmt;
use std::path::PathBuf;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A line of a file; lines count from 1.
    File {
        /// The file as it was opened.
        path: PathBuf,
        /// The line of the option's name.
        line: usize,
    },
    /// A variable of the environment, by name.
    Environment(String),
    /// Set by the program ([`crate::Loader::set`]).
    Program,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0 } => write!(formatter, "{}", path.display()),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Environment(name) => write!(formatter, "environment {name}"),
            Self::Program => formatter.write_str("command line"),
        }
    }
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program can run; an operator should look.
    Warning,
    /// The configuration must not be used.
    Error,
}

/// What sort of [`Problem`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A file or folder is missing or cannot be read.
    Unreadable,
    /// A line is neither section, assignment, continuation nor comment.
    Syntax,
    /// A section that the program does not declare.
    UnknownGroup,
    /// An option that its group does not have.
    UnknownOption,
    /// The text is no value of the option's type, or outside of its bounds.
    BadValue,
    /// A `$name` that leads nowhere, or around in a circle.
    Reference,
    /// An option without default has no value.
    Missing,
    /// An option stands twice in one file.
    Duplicate,
    /// An option is set by an old name.
    Deprecated,
    /// The program declared the same option twice and differently.
    Declaration,
}

/// One thing wrong with a configuration. Never holds the value of a secret option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What sort it is.
    pub kind: ProblemKind,
    /// The group, when one is concerned.
    pub group: Option<String>,
    /// The option, when one is concerned.
    pub option: Option<String>,
    /// Where it stands, when it stands anywhere.
    pub source: Option<Source>,
    /// The rest of the sentence, for a person.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(severity: Severity, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { severity, kind, group: None, option: None, source: None, message: message.into() }
    }

    pub(crate) fn error(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, kind, message)
    }

    pub(crate) fn warning(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, kind, message)
    }

    pub(crate) fn of(mut self, group: &str, option: Option<&str>) -> Self {
        self.group = Some(group.to_owned());
        self.option = option.map(str::to_owned);
        self
    }

    pub(crate) fn at(mut self, source: Option<Source>) -> Self {
        self.source = source;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(formatter, "{source}: ")?;
        }
        match (&self.group, &self.option) {
            (Some(group), Some(option)) => write!(formatter, "[{group}] {option}: ")?,
            (Some(group), None) => write!(formatter, "[{group}]: ")?,
            _ => {}
        }
        formatter.write_str(&self.message)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Everything that is wrong, one line each.
    #[error("the configuration cannot be used:{}", lines(problems))]
    Invalid {
        /// The errors and the warnings, in the order of files and lines.
        problems: Vec<Problem>,
    },
    /// A program's mistake: it asks for a group it did not pass to [`crate::Loader::load`].
    #[error("the group [{group}] was not declared when the configuration was loaded")]
    NotDeclared {
        /// The group asked for.
        group: String,
    },
}

impl ConfigError {
    /// The problems behind the error; empty when it is the program's own mistake.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems } => problems,
            Self::NotDeclared { .. } => &[],
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| match problem.severity {
            Severity::Error => format!("\n  {problem}"),
            Severity::Warning => format!("\n  warning: {problem}"),
        })
        .collect()
}
