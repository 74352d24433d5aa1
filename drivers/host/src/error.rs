use std::path::PathBuf;
use std::sync::Arc;

use firn_driver_sdk::{DriverError, ErrorKind};

/// Why a driver cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The name could lead out of the folder.
    #[error("{name:?} is not a driver's name: use lower-case letters, digits and _ only")]
    BadName {
        /// As configured.
        name: String,
    },
    /// There is no such library.
    #[error("{path} does not exist: install the driver {name} or take it out of enabled_drivers")]
    Missing {
        /// Driver.
        name: String,
        /// Where the library was expected.
        path: PathBuf,
    },
    /// The library could have been put there or changed by somebody else.
    #[error("{path} is not trusted: {problem}")]
    Untrusted {
        /// Library or folder.
        path: PathBuf,
        /// What is wrong, and the command that mends it.
        problem: String,
    },
    /// The library's file cannot be looked at.
    #[error("cannot look at {path}")]
    Unreadable {
        /// Library or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The library needs another one, which this system lacks.
    #[error("cannot load {path}: this system lacks {library}; install the package that has it")]
    MissingDependency {
        /// Library of the driver.
        path: PathBuf,
        /// What it needs.
        library: String,
    },
    /// The dynamic linker refuses the library.
    #[error("cannot load {path}")]
    Library {
        /// Library.
        path: PathBuf,
        /// The linker's words.
        source: libloading::Error,
    },
    /// The library is something else.
    #[error("{path} is not a driver: it exports no firn_driver_entry")]
    NoEntry {
        /// Library.
        path: PathBuf,
    },
    /// The driver does not take this host.
    #[error("the driver {name} refuses this host")]
    Refused {
        /// Driver.
        name: String,
        /// Its reason.
        source: DriverError,
    },
    /// The driver's table is of another ABI.
    #[error("the driver {name} has ABI version {driver}, this host {host}: install matching ones")]
    AbiVersion {
        /// Driver.
        name: String,
        /// Its version.
        driver: u32,
        /// Ours.
        host: u32,
    },
    /// A table is not there or not whole.
    #[error("the driver {name} has a bad {table} table: {problem}")]
    BadTable {
        /// Driver.
        name: String,
        /// Which table.
        table: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A required function is absent.
    #[error("the driver {name} lacks the required function {slot} of its {table} table")]
    MissingSlot {
        /// Driver.
        name: String,
        /// Which table.
        table: &'static str,
        /// Which function.
        slot: &'static str,
    },
    /// The descriptor is not what it should be.
    #[error("the driver {name} has a bad descriptor: {problem}")]
    BadDescriptor {
        /// Driver.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The library holds another driver.
    #[error("the library of the driver {name} holds the driver {found}: rename it or replace it")]
    NameMismatch {
        /// As enabled.
        name: String,
        /// As the library says.
        found: String,
    },
    /// The driver could not be made, normally for its configuration.
    #[error("the driver {name} cannot start")]
    Create {
        /// Driver.
        name: String,
        /// Its reason.
        source: DriverError,
    },
    /// Asked for a driver that nobody enabled.
    #[error("the driver {name} is not enabled: add it to enabled_drivers")]
    NotEnabled {
        /// Driver.
        name: String,
    },
    /// Asked for a driver that was disabled at load.
    #[error("the driver {name} is disabled")]
    Disabled {
        /// Driver.
        name: String,
        /// Why.
        source: Arc<LoadError>,
    },
}

impl LoadError {
    /// What a caller can act on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadName { .. } => ErrorKind::InvalidInput,
            Self::Missing { .. } | Self::NotEnabled { .. } => ErrorKind::NotFound,
            Self::Untrusted { .. } | Self::Unreadable { .. } => ErrorKind::Forbidden,
            Self::MissingDependency { .. } | Self::Library { .. } => ErrorKind::Unsupported,
            Self::NoEntry { .. }
            | Self::Refused { .. }
            | Self::AbiVersion { .. }
            | Self::BadTable { .. }
            | Self::MissingSlot { .. }
            | Self::BadDescriptor { .. }
            | Self::NameMismatch { .. } => ErrorKind::Unsupported,
            Self::Create { source, .. } => source.kind(),
            Self::Disabled { source, .. } => source.kind(),
        }
    }

    /// The error and everything below it in one line, for the list of drivers.
    pub fn chain(&self) -> String {
        firn_driver_sdk::chain(self)
    }
}

/// Why no driver answers for a disk.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No loaded driver says that the disk is its own.
    #[error("no driver reads this disk; asked: {asked:?}, disabled: {disabled:?}")]
    NoDriver {
        /// Drivers that said no.
        asked: Vec<String>,
        /// Drivers that could not be asked; `drivers` tells why.
        disabled: Vec<String>,
    },
    /// The disk's driver failed, and no other wants the disk.
    #[error("the driver {driver} cannot tell about this disk")]
    Failed {
        /// Driver.
        driver: String,
        /// Its reason.
        source: DriverError,
    },
}

impl ProbeError {
    /// What a caller can act on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoDriver { .. } => ErrorKind::Unsupported,
            Self::Failed { source, .. } => source.kind(),
        }
    }
}
