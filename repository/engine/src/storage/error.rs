use firn_core::ErrorKind;

use crate::error::io_kind;

/// Why a storage refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The service said so.
    #[error("the storage service answered with an error")]
    Service {
        /// Its answer.
        #[source]
        source: Box<opendal::Error>,
    },
    /// The file system said so.
    #[error("the file system answered with an error")]
    File {
        /// Its answer.
        #[source]
        source: std::io::Error,
    },
    /// A new object would have replaced another.
    #[error("the object exists already, and objects are never changed")]
    Exists,
    /// The service cannot keep a repository.
    #[error("the storage service lacks what a repository needs: {missing}")]
    Lacks {
        /// The capability.
        missing: &'static str,
    },
    /// A back end other than ours.
    #[error("{message}")]
    Other {
        /// What a caller can do about it.
        kind: ErrorKind,
        /// In its words.
        message: String,
    },
}

impl StorageError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Service { source } => service_kind(source),
            Self::File { source } => io_kind(source),
            Self::Exists => ErrorKind::Conflict,
            Self::Lacks { .. } => ErrorKind::Unsupported,
            Self::Other { kind, .. } => *kind,
        }
    }

    /// Whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }
}

fn service_kind(error: &opendal::Error) -> ErrorKind {
    let below = std::error::Error::source(error);
    if let Some(io) = below.and_then(find_io) {
        return io_kind(io);
    }
    match error.kind() {
        opendal::ErrorKind::NotFound => ErrorKind::NotFound,
        opendal::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        opendal::ErrorKind::AlreadyExists | opendal::ErrorKind::ConditionNotMatch => {
            ErrorKind::Conflict
        }
        opendal::ErrorKind::ConfigInvalid => ErrorKind::InvalidInput,
        opendal::ErrorKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    }
}

fn find_io<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io);
        }
        at = error.source();
    }
    None
}
