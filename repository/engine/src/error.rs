use std::path::PathBuf;

use firn_core::{ErrorKind, Extent, PointId};

use crate::{SinkError, SourceError, StorageError};

/// Short for results of this crate.
pub type Result<T, E = RepositoryError> = std::result::Result<T, E>;

/// What can go wrong with a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The storage below refused or failed.
    #[error("cannot {action} {object} in the repository's storage")]
    Storage {
        /// What was tried: `read`, `write`, `list`, `delete`.
        action: &'static str,
        /// The object's path in the repository.
        object: String,
        /// Why.
        #[source]
        source: StorageError,
    },
    /// There is no repository at this storage.
    #[error("the storage holds no repository: create one, or check the location")]
    NoRepository,
    /// There is something at this storage already.
    #[error("the storage already holds a repository: open it, or choose an empty location")]
    RepositoryExists,
    /// The repository was made by a newer version.
    #[error(
        "the repository has format version {found}, this program reads up to {supported}: upgrade it"
    )]
    FormatVersion {
        /// Version in the config object.
        found: u32,
        /// Highest version this program knows.
        supported: u32,
    },
    /// The master key is not one of this repository's.
    #[error(
        "the key {fingerprint} does not open this repository: use the key file it was created with"
    )]
    WrongKey {
        /// Public fingerprint of the key that was tried.
        fingerprint: String,
    },
    /// A key file cannot be read or written.
    #[error("cannot {action} the key file {path}")]
    KeyFile {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key file does not hold a key.
    #[error("{path} is not a Firn key file: {reason}")]
    KeyFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// An object other than a chunk is not what was written.
    #[error(
        "{object} is damaged: {what}; run a verification, and restore the object from a copy of the repository if there is one"
    )]
    Damaged {
        /// The object's path in the repository.
        object: String,
        /// What is wrong with it.
        what: String,
    },
    /// Bytes of a disk cannot be had from the repository: every copy of their chunk is damaged.
    #[error("{device} bytes {}-{} cannot be read back: {what} ({object})", range.offset, range.end())]
    ChunkDamaged {
        /// Device of the disk, `vda`.
        device: String,
        /// Bytes of the disk.
        range: Extent,
        /// The pack that should hold them, or the index where no pack is known.
        object: String,
        /// What is wrong.
        what: String,
    },
    /// No such restore point.
    #[error("the repository has no restore point {point}")]
    PointNotFound {
        /// The one asked for.
        point: PointId,
    },
    /// A restore point with this id exists and says something else.
    #[error("restore point {point} is already committed with another content: use a new id")]
    PointExists {
        /// Its id.
        point: PointId,
    },
    /// What was asked makes no sense.
    #[error("{what}")]
    Invalid {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The source of a backup failed.
    #[error("cannot read the source at byte {offset}")]
    Source {
        /// First byte of the read.
        offset: u64,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// The target of a restore failed.
    #[error("cannot write the target at byte {offset}")]
    Sink {
        /// First byte of the write.
        offset: u64,
        /// Why.
        #[source]
        source: SinkError,
    },
    /// The caller's cancel flag was raised.
    #[error("cancelled")]
    Cancelled,
    /// An earlier failure ended this session; nothing more can be added to it.
    #[error("the session has failed: {reason}; abort it and begin another")]
    SessionFailed {
        /// The first failure.
        reason: String,
        /// Its kind.
        kind: ErrorKind,
    },
    /// The source gave other bytes when it was read again: it is no point in time.
    #[error("the source changed while it was read: back up a snapshot, or shut the guest down")]
    SourceChanged,
    /// A file of the host's cache cannot be used.
    #[error("cannot use the cache file {path}")]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A defect of ours.
    #[error("internal error: {what}")]
    Internal {
        /// What should not have happened.
        what: &'static str,
    },
}

impl RepositoryError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Storage { source, .. } => source.kind(),
            Self::NoRepository | Self::PointNotFound { .. } => ErrorKind::NotFound,
            Self::RepositoryExists
            | Self::PointExists { .. }
            | Self::SourceChanged
            | Self::Cancelled => ErrorKind::Conflict,
            Self::FormatVersion { .. } => ErrorKind::Unsupported,
            Self::WrongKey { .. } => ErrorKind::Forbidden,
            Self::KeyFile { source, .. } | Self::Cache { source, .. } => io_kind(source),
            Self::KeyFormat { .. } | Self::Invalid { .. } => ErrorKind::InvalidInput,
            Self::Random | Self::Internal { .. } => ErrorKind::Internal,
            Self::Damaged { .. } | Self::ChunkDamaged { .. } => ErrorKind::Integrity,
            Self::Source { source, .. } | Self::Sink { source, .. } => source.kind(),
            Self::SessionFailed { kind, .. } => *kind,
        }
    }

    /// Whether the caller's own cancel flag ended the call.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

/// Maps what the operating system says of a file to a kind.
pub(crate) fn io_kind(error: &std::io::Error) -> ErrorKind {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::NotFound => ErrorKind::NotFound,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::Forbidden,
        Io::AlreadyExists => ErrorKind::Conflict,
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::QuotaExceeded,
        _ => ErrorKind::Unavailable,
    }
}
