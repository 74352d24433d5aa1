use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::SourceError;

/// Why a guest was not frozen, or is not known to be thawed.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// Nobody in the guest could do it.
    #[error("the guest has no guest agent that runs")]
    NoGuestAgent,
    /// The guest runs here no more.
    #[error("the guest does not run on this host")]
    NotRunning,
    /// The guest agent may not: somebody else froze the guest, or its configuration forbids it.
    #[error(
        "the guest agent does not allow it now: it is forbidden there, or somebody else froze it"
    )]
    Forbidden,
    /// The guest is frozen for a job, or is being thawed after one.
    #[error("the guest is frozen by another backup, or not yet thawed after one")]
    Held,
    /// This process ends.
    #[error("the agent of the host is being stopped")]
    Stopping,
    /// It could not be written down, and what is not written down is not frozen.
    #[error("it cannot be written to {}: check its permissions and space", path.display())]
    Unrecorded {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// This process cannot watch over it.
    #[error("the agent of the host has no thread left for it")]
    NoThread {
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Libvirt was not reached.
    #[error("libvirt could not be asked to freeze the guest")]
    Unasked {
        /// Why.
        #[source]
        source: SourceError,
    },
    /// It may have been frozen, wholly or in part, and is thawed.
    #[error("the guest did not say that it is frozen")]
    Unsure {
        /// What was said instead.
        #[source]
        source: SourceError,
    },
    /// The guest does not thaw; that is tried on.
    #[error("the guest was not thawed within {} s; it is tried on", patience.as_secs())]
    NotThawed {
        /// How long was waited.
        patience: Duration,
    },
}

impl FreezeError {
    /// Whether the guest may be frozen although a freeze failed so.
    pub const fn may_be_frozen(&self) -> bool {
        matches!(self, Self::Unsure { .. } | Self::NotThawed { .. })
    }
}
