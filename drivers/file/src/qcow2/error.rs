use std::io;

use firn_driver_sdk::{DriverError, ErrorKind};

/// Why a qcow2 file is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Qcow2Error {
    /// The file does not begin as a qcow2 file does.
    #[error("this is not a qcow2 file: correct the disk's format")]
    Magic,
    /// A part of it contradicts the format or our limits.
    #[error("the qcow2 file is damaged ({what}): run qemu-img check")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// It uses something that is not read.
    #[error("{feature} is not supported in a qcow2 file")]
    Unsupported {
        /// What it uses.
        feature: String,
    },
    /// The file cannot be read.
    #[error("cannot read the qcow2 file's {what}")]
    Read {
        /// Which part.
        what: &'static str,
        /// The system's word.
        #[source]
        source: io::Error,
    },
}

impl Qcow2Error {
    /// What a caller can act on.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Magic => ErrorKind::InvalidInput,
            Self::Damaged { .. } => ErrorKind::Integrity,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Read { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
                ErrorKind::Integrity
            }
            Self::Read { .. } => ErrorKind::Unavailable,
        }
    }

    /// As the driver's error, naming the file.
    pub(crate) fn at(self, path: &std::path::Path) -> DriverError {
        let error = DriverError::new(self.kind(), format!("{}: {self}", path.display()));
        match self {
            Self::Read { source, .. } => error.with_source(source),
            _ => error,
        }
    }
}
