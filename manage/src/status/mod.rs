//! `firn-status upgrade check`: whether an upgrade may go on, in the form and with the exit codes
//! that OpenStack's services have.

mod configuration;
mod database;
mod drivers;
mod table;

use std::path::PathBuf;

use oslo_config::{Loader, Outcome as Read};

pub use table::table;

/// What a check found; the worst one is the command's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// All is well: 0.
    Success,
    /// The upgrade may go on, and somebody should look: 1.
    Warning,
    /// The upgrade must not go on: 2.
    Failure,
}

impl Finding {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Warning => 1,
            Self::Failure => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::Warning => "Warning",
            Self::Failure => "Failure",
        }
    }
}

/// One check and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub finding: Finding,
    /// A sentence for people; `None` where there is nothing to say.
    pub details: Option<String>,
}

impl Check {
    fn success(name: &'static str) -> Self {
        Self { name, finding: Finding::Success, details: None }
    }

    fn warning(name: &'static str, details: impl Into<String>) -> Self {
        Self { name, finding: Finding::Warning, details: Some(details.into()) }
    }

    fn failure(name: &'static str, details: impl Into<String>) -> Self {
        Self { name, finding: Finding::Failure, details: Some(details.into()) }
    }

    /// Nothing said is a success; otherwise the sentences together.
    fn of(name: &'static str, finding: Finding, said: &[String]) -> Self {
        match said {
            [] => Self::success(name),
            said => Self { name, finding, details: Some(said.join("; ")) },
        }
    }
}

/// Looks at everything. Nothing is changed, and what cannot be looked at is a failure.
pub fn check(files: &[PathBuf], dirs: &[PathBuf]) -> Vec<Check> {
    let loader = Loader::new("firn").files(files.to_vec()).dirs(dirs.to_vec());
    let Read { config, problems } = loader.read(&configuration::groups());
    let mut checks = vec![configuration::check(&problems)];
    checks.extend(database::check(&config));
    checks.push(drivers::check(&config));
    checks
}

/// The worst that was found.
pub fn worst(checks: &[Check]) -> Finding {
    checks.iter().map(|check| check.finding).max().unwrap_or(Finding::Success)
}
