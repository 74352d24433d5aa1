use std::error::Error;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The closed list of what can go wrong, as far as a caller can act on it.
///
/// Every error enum of the workspace maps to one of these; the API maps each to one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The named thing does not exist, or the caller may not know that it does.
    NotFound,
    /// The thing exists but its state forbids the request now.
    Conflict,
    /// The request itself is wrong; repeating it cannot help.
    InvalidInput,
    /// The caller is known and may not do this.
    Forbidden,
    /// A limit set by the operator, or the space of a storage, is used up.
    QuotaExceeded,
    /// This driver, format or cloud cannot do it at all.
    Unsupported,
    /// Something we depend on does not answer now.
    Unavailable,
    /// Stored data is not what was written. Never retried silently.
    Integrity,
    /// A defect of ours, or an answer that nobody planned for.
    Internal,
}

impl ErrorKind {
    /// All kinds, for tests and tables that must be complete.
    pub const ALL: [Self; 9] = [
        Self::NotFound,
        Self::Conflict,
        Self::InvalidInput,
        Self::Forbidden,
        Self::QuotaExceeded,
        Self::Unsupported,
        Self::Unavailable,
        Self::Integrity,
        Self::Internal,
    ];

    /// Whether the same request may succeed later with nothing changed by the caller.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// An error and its causes in one line, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrity_is_never_retryable() {
        let retryable: Vec<_> =
            ErrorKind::ALL.into_iter().filter(|kind| kind.retryable()).collect();
        assert_eq!(retryable, [ErrorKind::Unavailable]);
    }
}
