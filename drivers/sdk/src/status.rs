//! How error kinds cross the ABI.

use firn_driver_abi as abi;

use crate::{DriverError, ErrorKind};

const STATUS: [(ErrorKind, abi::Status); 9] = [
    (ErrorKind::NotFound, abi::FIRN_NOT_FOUND),
    (ErrorKind::Conflict, abi::FIRN_CONFLICT),
    (ErrorKind::InvalidInput, abi::FIRN_INVALID_INPUT),
    (ErrorKind::Forbidden, abi::FIRN_FORBIDDEN),
    (ErrorKind::QuotaExceeded, abi::FIRN_QUOTA_EXCEEDED),
    (ErrorKind::Unsupported, abi::FIRN_UNSUPPORTED),
    (ErrorKind::Unavailable, abi::FIRN_UNAVAILABLE),
    (ErrorKind::Integrity, abi::FIRN_INTEGRITY),
    (ErrorKind::Internal, abi::FIRN_INTERNAL),
];

/// The status that stands for an error.
pub(crate) fn status_of(error: &DriverError) -> abi::Status {
    if error.is_cancelled() {
        return abi::FIRN_CANCELLED;
    }
    STATUS
        .iter()
        .find(|(kind, _)| *kind == error.kind())
        .map_or(abi::FIRN_INTERNAL, |(_, status)| *status)
}

impl DriverError {
    /// The error that a failing status and the driver's words make. An unknown status counts as
    /// `Internal`.
    pub fn from_status(status: abi::Status, message: Option<String>) -> Self {
        let message = message
            .filter(|message| !message.trim().is_empty())
            .unwrap_or_else(|| format!("the driver failed with status {status} and no reason"));
        if status == abi::FIRN_CANCELLED {
            return Self::cancelled_because(message);
        }
        let kind = STATUS
            .iter()
            .find(|(_, known)| *known == status)
            .map_or(ErrorKind::Internal, |(kind, _)| *kind);
        Self::new(kind, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_crossing() {
        for kind in ErrorKind::ALL {
            let error = DriverError::new(kind, "x");
            let back = DriverError::from_status(status_of(&error), Some("x".into()));
            assert_eq!((back.kind(), back.message(), back.is_cancelled()), (kind, "x", false));
        }
        let cancelled = DriverError::from_status(status_of(&DriverError::cancelled()), None);
        assert!(cancelled.is_cancelled());
    }

    #[test]
    fn an_unknown_status_is_internal_and_says_so() {
        for status in [-1, 0, 11, i32::MIN, i32::MAX] {
            let error = DriverError::from_status(status, Some(" ".into()));
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.message().contains(&status.to_string()), "{error}");
        }
    }
}
