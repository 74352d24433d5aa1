use std::error::Error;
use std::io;

use crate::ErrorKind;

/// Why a driver's call failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DriverError {
    kind: ErrorKind,
    message: String,
    cancelled: bool,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl DriverError {
    /// An error of `kind`; the message names the thing and says what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cancelled: false, source: None }
    }

    /// The thing does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The thing's state forbids it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// The request is wrong.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Not allowed: writing to a read-only disk, or a refusal of the storage.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The storage is full.
    pub fn quota_exceeded(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::QuotaExceeded, message)
    }

    /// This driver, or this disk of it, cannot do `operation`.
    pub fn unsupported(operation: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("the driver does not support {operation}"))
    }

    /// The storage does not answer now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// The stored data is damaged.
    pub fn integrity(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Integrity, message)
    }

    /// A defect of the driver, or an answer of the storage that nobody planned for.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The call was ended by [`Disk::cancel`](crate::Disk::cancel).
    pub fn cancelled() -> Self {
        Self::cancelled_because("the operation was cancelled on request")
    }

    pub(crate) fn cancelled_because(message: impl Into<String>) -> Self {
        Self { cancelled: true, ..Self::new(ErrorKind::Conflict, message) }
    }

    /// A read or write that passes the end of the disk.
    pub fn beyond_end(offset: u64, length: u64, size_bytes: u64) -> Self {
        Self::invalid_input(format!(
            "{length} bytes at offset {offset} pass the end of the disk ({size_bytes} bytes)"
        ))
    }

    /// A system call's error; `doing` completes "cannot …": `"open /srv/vm.raw"`.
    pub fn io(doing: impl std::fmt::Display, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::Forbidden
            }
            io::ErrorKind::AlreadyExists | io::ErrorKind::ResourceBusy => ErrorKind::Conflict,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => ErrorKind::InvalidInput,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge => ErrorKind::QuotaExceeded,
            io::ErrorKind::Unsupported => ErrorKind::Unsupported,
            io::ErrorKind::TimedOut
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::StaleNetworkFileHandle => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, format!("cannot {doing}")).with_source(source)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can act on.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message alone, without its cause.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether this is the answer to a cancel.
    pub const fn is_cancelled(&self) -> bool {
        self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_calls_error_keeps_its_meaning() {
        for (number, kind) in [
            (2, ErrorKind::NotFound),
            (13, ErrorKind::Forbidden),
            (30, ErrorKind::Forbidden),
            (17, ErrorKind::Conflict),
            (16, ErrorKind::Conflict),
            (22, ErrorKind::InvalidInput),
            (28, ErrorKind::QuotaExceeded),
            (122, ErrorKind::QuotaExceeded),
            (95, ErrorKind::Unsupported),
            (110, ErrorKind::Unavailable),
            (116, ErrorKind::Unavailable),
            (5, ErrorKind::Internal),
        ] {
            let error = DriverError::io("open /srv/vm.raw", io::Error::from_raw_os_error(number));
            assert_eq!(error.kind(), kind, "errno {number}");
            assert_eq!(error.to_string(), "cannot open /srv/vm.raw");
            assert!(error.source().is_some());
        }
    }

    #[test]
    fn only_a_cancel_is_cancelled() {
        assert!(DriverError::cancelled().is_cancelled());
        assert!(!DriverError::cancelled().kind().retryable());
        assert!(!DriverError::conflict("x").is_cancelled());
    }
}
