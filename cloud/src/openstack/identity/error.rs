use firn_core::ErrorKind;
use keystone_middleware_rs::SessionError;

/// Why Keystone did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It understood, and does not allow it to this user.
    #[error("the identity service does not allow it: {reason}")]
    Refused {
        /// What it says, one line.
        reason: String,
    },
    /// What was asked for cannot work, whoever asks.
    #[error("{reason}")]
    Unusable {
        /// Why, and what to do about it.
        reason: String,
    },
    /// It does not answer, or cannot now.
    #[error("the identity service does not answer: try again when it does")]
    Unavailable {
        /// What happened.
        #[source]
        source: SessionError,
    },
    /// It answered what nobody planned for.
    #[error("the identity service answered unexpectedly: see the log")]
    Unexpected {
        /// What happened.
        #[source]
        source: SessionError,
    },
}

impl IdentityError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } => ErrorKind::Forbidden,
            Self::Unusable { .. } => ErrorKind::InvalidInput,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Unexpected { .. } => ErrorKind::Internal,
        }
    }
}

impl From<SessionError> for IdentityError {
    fn from(source: SessionError) -> Self {
        match source {
            source if source.is_temporary() => Self::Unavailable { source },
            SessionError::Refused { message, .. }
            | SessionError::Status { status: 401 | 403, message, .. } => {
                Self::Refused { reason: message }
            }
            source => Self::Unexpected { source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_its_kind() {
        let status = |status| {
            let (url, message) = (String::new(), "m".to_owned());
            let error = SessionError::Status { url, status, message, request_id: None };
            IdentityError::from(error).kind()
        };
        assert_eq!(status(403), ErrorKind::Forbidden);
        assert_eq!(status(503), ErrorKind::Unavailable);
        assert_eq!(status(409), ErrorKind::Internal);
        let (url, message) = (String::new(), String::new());
        let refused = SessionError::Refused { url, status: 401, message };
        assert_eq!(IdentityError::from(refused).kind(), ErrorKind::Forbidden);
    }
}
