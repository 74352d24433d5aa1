use std::error::Error as StdError;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use firn_core::ErrorKind;
use firn_db::DbError;

use super::Microversion;

/// Why a request is not answered with what it asked for.
///
/// It becomes a response in one place, [`super::observe`], which also logs it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// A field of the body, a query parameter or a header is wrong.
    #[error("{field}: {reason}")]
    Field { field: String, reason: String },
    /// The request stands against the state of things, or asks for what is not there.
    #[error("{message}")]
    Refused { kind: ErrorKind, message: String },
    /// The route is unknown.
    #[error("nothing is at this path; GET /v1 shows where to start")]
    NoSuchRoute,
    /// The caller is not known.
    #[error("a valid token is needed in X-Auth-Token")]
    Unauthorized { challenge: String },
    /// The route exists, for other methods.
    #[error("this path answers to {allow}")]
    MethodNotAllowed { allow: String },
    /// The version asked for is none of ours.
    #[error("version {asked} is not served: {} to {} are", Microversion::MIN, Microversion::MAX)]
    Version { asked: String },
    /// The project has as much as it may have.
    #[error("{message}")]
    OverLimit { message: String },
    /// The thing is not as the client says that it saw it.
    #[error("{what} was changed since: look at it again")]
    Changed { what: &'static str },
    /// The body is too long.
    #[error("a body may have at most {limit_bytes} bytes")]
    BodyTooLarge { limit_bytes: usize },
    /// The body is no JSON by its own account.
    #[error("send the body as Content-Type: application/json")]
    MediaType,
    /// The body ended early, or its encoding is broken.
    #[error("the body could not be read whole")]
    BodyBroken {
        #[source]
        source: actix_web::error::PayloadError,
    },
    /// The body comes too slowly.
    #[error("the body did not come within {seconds} seconds")]
    BodySlow { seconds: u64 },
    /// Something that the request needs failed.
    #[error("{what}")]
    Failed {
        kind: ErrorKind,
        what: &'static str,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl ApiError {
    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field { field: field.into(), reason: reason.into() }
    }

    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        let message = format!("no {what} has the id {id}");
        Self::Refused { kind: ErrorKind::NotFound, message }
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::Refused { kind: ErrorKind::Conflict, message: message.into() }
    }

    /// A dependency failed with `source`; `what` is for the log and, below 500, for the client.
    pub(crate) fn failed(
        kind: ErrorKind,
        what: &'static str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Failed { kind, what, source: Box::new(source) }
    }

    pub(crate) const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { kind, .. } | Self::Failed { kind, .. } => *kind,
            Self::NoSuchRoute => ErrorKind::NotFound,
            Self::Unauthorized { .. } => ErrorKind::Forbidden,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::OverLimit { .. } => ErrorKind::QuotaExceeded,
            Self::Field { .. }
            | Self::MethodNotAllowed { .. }
            | Self::Version { .. }
            | Self::BodyTooLarge { .. }
            | Self::MediaType
            | Self::BodySlow { .. }
            | Self::BodyBroken { .. } => ErrorKind::InvalidInput,
        }
    }

    /// The status: HTTP's own where the request fails as HTTP, else by kind.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version { .. } => StatusCode::NOT_ACCEPTABLE,
            Self::Changed { .. } => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodySlow { .. } => StatusCode::REQUEST_TIMEOUT,
            _ => status(self.kind()),
        }
    }
}

/// The one table from kind to status.
///
/// `Unsupported` is 400, not 501: the request names something that this installation cannot do,
/// and an operator's alarm on 5xx must not ring for it. `QuotaExceeded` is 413 as in Cinder.
pub(crate) const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::InvalidInput | ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::QuotaExceeded => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Integrity | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match (error.kind(), error) {
            (_, DbError::InvalidInput { field, message }) => Self::field(field, message),
            (_, error @ DbError::Quota { .. }) => Self::OverLimit { message: error.to_string() },
            (kind @ (ErrorKind::NotFound | ErrorKind::Conflict), error) => {
                Self::Refused { kind, message: error.to_string() }
            }
            // A query never means the client's input with any other kind.
            (ErrorKind::InvalidInput, error) => {
                Self::failed(ErrorKind::Internal, "the database refused a query", error)
            }
            (kind, error) => Self::failed(kind, "the database failed", error),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Only the status: the body needs the request id, which the middleware has.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_status() {
        let statuses: Vec<_> =
            ErrorKind::ALL.into_iter().map(|kind| status(kind).as_u16()).collect();
        assert_eq!(statuses, [404, 409, 400, 403, 413, 400, 503, 500, 500]);
    }

    #[test]
    fn what_the_database_says_of_itself_stays_inside() {
        let error: ApiError =
            DbError::Url { url: "sqlite:///x".into(), message: "bad".into() }.into();
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
