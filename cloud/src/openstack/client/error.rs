use std::fmt;
use std::time::Duration;

use firn_core::ErrorKind;
use keystone_middleware_rs::SessionError;

/// A question to a service and what the service said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The service type: `compute`.
    pub service: &'static str,
    /// What was asked: `server get`.
    pub operation: &'static str,
    /// The API's own words, one line; ours where it gave no answer.
    pub message: String,
    /// The service's id of the request, to find it in its log.
    pub request_id: Option<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, operation, message, request_id } = self;
        write!(f, "{service}, {operation}: {message}")?;
        match request_id {
            Some(id) => write!(f, " ({id})"),
            None => Ok(()),
        }
    }
}

/// Why a service of OpenStack did not do what it was asked. No variant holds a token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenStackError {
    /// What was named does not exist for this user.
    #[error("{0}")]
    NotFound(Said),
    /// Its state does not allow it now.
    #[error("{0}")]
    Conflict(Said),
    /// This user may not.
    #[error("{0}")]
    Forbidden(Said),
    /// A quota of the project, or the space of a storage, is used up.
    #[error("{0}")]
    QuotaExceeded(Said),
    /// The request cannot work as it is.
    #[error("{0}")]
    InvalidInput(Said),
    /// The cloud cannot do it: it is too old, or lacks the service.
    #[error("{0}")]
    Unsupported(Said),
    /// No answer in time, or one that may be another later.
    #[error("{said}")]
    Unavailable {
        /// What is known.
        said: Said,
        /// What happened, where no answer came.
        #[source]
        source: Option<Box<SessionError>>,
    },
    /// An answer that nobody planned for.
    #[error("{said}")]
    Internal {
        /// What is known.
        said: Said,
        /// What happened, where the answer could not be understood.
        #[source]
        source: Option<Box<SessionError>>,
    },
}

impl OpenStackError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::QuotaExceeded(_) => ErrorKind::QuotaExceeded,
            Self::InvalidInput(_) => ErrorKind::InvalidInput,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// The question and the service's words.
    pub const fn said(&self) -> &Said {
        match self {
            Self::NotFound(said)
            | Self::Conflict(said)
            | Self::Forbidden(said)
            | Self::QuotaExceeded(said)
            | Self::InvalidInput(said)
            | Self::Unsupported(said)
            | Self::Unavailable { said, .. }
            | Self::Internal { said, .. } => said,
        }
    }

    /// Turns [`OpenStackError::NotFound`] into none: for what may be gone.
    ///
    /// # Errors
    /// Any other error, as it is.
    pub fn or_absent<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(Self::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A question that is being asked: what errors about it say first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
}

impl Question {
    pub(crate) fn said(self, message: impl Into<String>) -> Said {
        let Self { service, operation } = self;
        Said { service, operation, message: message.into(), request_id: None }
    }

    /// An answer that no service should give.
    pub(crate) fn nonsense(self, message: impl Into<String>) -> OpenStackError {
        OpenStackError::Internal { said: self.said(message), source: None }
    }

    pub(crate) fn timed_out(self, after: Duration) -> OpenStackError {
        let said = self.said(format!("no answer within {after:?}"));
        OpenStackError::Unavailable { said, source: None }
    }

    /// The error that an answer with this status is.
    pub(crate) fn refused(
        self,
        status: u16,
        message: String,
        request_id: Option<String>,
    ) -> OpenStackError {
        let over_quota = status == 413 || (status == 403 && tells_of_quota(&message));
        let message = match message.is_empty() {
            true => format!("status {status}"),
            false => message,
        };
        let said = Said { request_id, ..self.said(message) };
        match status {
            _ if over_quota => OpenStackError::QuotaExceeded(said),
            404 | 410 => OpenStackError::NotFound(said),
            409 => OpenStackError::Conflict(said),
            401 | 403 => OpenStackError::Forbidden(said),
            406 => OpenStackError::Unsupported(said),
            400 | 405 | 411 | 415 | 422 => OpenStackError::InvalidInput(said),
            429 | 502..=504 => OpenStackError::Unavailable { said, source: None },
            _ => OpenStackError::Internal { said, source: None },
        }
    }

    /// The error that no answer, or one that cannot be read, is.
    pub(crate) fn failed(self, error: SessionError) -> OpenStackError {
        match error {
            SessionError::Status { status, message, request_id, .. } => {
                self.refused(status, message, request_id)
            }
            SessionError::Refused { message, .. } => OpenStackError::Forbidden(self.said(message)),
            SessionError::NoEndpoint { .. } => {
                OpenStackError::Unsupported(self.said(error.to_string()))
            }
            error if error.is_temporary() => OpenStackError::Unavailable {
                said: self.said("no answer"),
                source: Some(Box::new(error)),
            },
            error => OpenStackError::Internal {
                said: self.said("no usable answer"),
                source: Some(Box::new(error)),
            },
        }
    }
}

/// Nova and Neutron answer 403 and 409 where Cinder answers 413; only their words tell it from a
/// missing right.
fn tells_of_quota(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("quota") || message.contains("maximum number of")
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question { service: "compute", operation: "server create" };

    #[test]
    fn each_answer_has_its_kind() {
        let kind =
            |status, message: &str| QUESTION.refused(status, message.to_owned(), None).kind();
        assert_eq!(kind(404, ""), ErrorKind::NotFound);
        assert_eq!(kind(409, "Cannot 'stop' instance"), ErrorKind::Conflict);
        assert_eq!(kind(403, "Policy doesn't allow it"), ErrorKind::Forbidden);
        assert_eq!(kind(403, "Quota exceeded for cores"), ErrorKind::QuotaExceeded);
        assert_eq!(kind(413, "SnapshotLimitExceeded"), ErrorKind::QuotaExceeded);
        assert_eq!(kind(400, "Invalid input"), ErrorKind::InvalidInput);
        assert_eq!(kind(406, ""), ErrorKind::Unsupported);
        assert_eq!(kind(503, ""), ErrorKind::Unavailable);
        assert_eq!(kind(500, ""), ErrorKind::Internal);
        assert_eq!(kind(302, ""), ErrorKind::Internal);
    }

    #[test]
    fn an_error_says_who_what_and_where_to_look() {
        let error = QUESTION.refused(409, "Busy".to_owned(), Some("req-1".to_owned()));
        assert_eq!(error.to_string(), "compute, server create: Busy (req-1)");
        let silent = QUESTION.refused(500, String::new(), None);
        assert_eq!(silent.to_string(), "compute, server create: status 500");
    }
}
