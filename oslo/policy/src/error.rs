//! Refusals, and what is wrong with rules.

use std::fmt;
use std::path::PathBuf;

/// Why a caller may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The rule does not hold.
    Rule,
    /// The caller's token has another scope than the rule is meant for.
    Scope {
        /// Scopes the rule is meant for: `system`, `domain`, `project`.
        wanted: &'static [&'static str],
        /// The token's scope.
        found: &'static str,
    },
    /// No rule has the name, and there is no default rule.
    UnknownRule,
}

/// The caller may not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} is disallowed by policy")]
pub struct Denied {
    /// The rule asked for.
    pub rule: String,
    /// Why; for logs, not for the caller.
    pub reason: Reason,
}

/// Something wrong with one rule. The part of the rule that it concerns never holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The rule's name.
    pub rule: String,
    /// The policy file and the line (from 1) of the rule; `None` for a rule from code.
    pub place: Option<(PathBuf, usize)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((path, line)) = &self.place {
            write!(formatter, "{}:{line}: ", path.display())?;
        }
        write!(formatter, "rule {}: {}", self.rule, self.message)
    }
}

/// Rules that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A program's mistake: a default rule that is not right.
    #[error("a default rule of the program is wrong: {defect}")]
    Default {
        /// What is wrong with it.
        defect: Defect,
    },
    /// The policy file cannot be read.
    #[error("the policy file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The policy file is not YAML, or not a table of rules.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}
