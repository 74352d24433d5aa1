use std::io;
use std::path::PathBuf;
use std::time::Duration;

use firn_core::{ErrorKind, InstanceId};

use crate::DomainError;

/// Why a source of domains could not answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No such domain.
    #[error("no domain has the UUID {id}")]
    NotFound {
        /// The UUID asked for.
        id: InstanceId,
    },
    /// The domain is there, but its XML cannot be used.
    #[error("{origin} is not a usable domain XML: correct it")]
    Invalid {
        /// The file or domain.
        origin: String,
        /// What is wrong.
        #[source]
        source: DomainError,
    },
    /// Several files claim the same UUID, so it is not known which one is the domain.
    #[error("domain {id} is described by several files ({}): keep one of them", origins.join(", "))]
    Duplicate {
        /// The UUID.
        id: InstanceId,
        /// The files.
        origins: Vec<String>,
    },
    /// A folder or file cannot be read.
    #[error("{} cannot be read: check that it exists and its permissions", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// There is no libvirt here that can be talked to.
    #[error("no libvirt to ask here ({reason}): start libvirtd, or install libvirt-clients")]
    Absent {
        /// What was seen.
        reason: String,
    },
    /// Libvirt did not answer in time.
    #[error(
        "libvirt did not answer `virsh {command}` within {} s: check libvirtd and its storage",
        deadline.as_secs_f32()
    )]
    TimedOut {
        /// The command.
        command: String,
        /// How long was waited.
        deadline: Duration,
    },
    /// Libvirt refused, or gave an answer that makes no sense.
    #[error("libvirt answered `virsh {command}` with: {message}")]
    Refused {
        /// The command.
        command: String,
        /// Its message.
        message: String,
    },
}

impl SourceError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } | Self::Duplicate { .. } => ErrorKind::InvalidInput,
            Self::Unreadable { .. }
            | Self::Absent { .. }
            | Self::TimedOut { .. }
            | Self::Refused { .. } => ErrorKind::Unavailable,
        }
    }
}
