use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Interface;

/// Options that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// An option that is needed here is not set.
    #[error("{option} must be set for auth_type = {auth_type}")]
    Missing {
        /// Its name.
        option: &'static str,
        /// What needs it.
        auth_type: String,
    },
    /// An option has a value that it cannot have.
    #[error("{option} cannot be {given:?}: {expected}")]
    Value {
        /// Its name.
        option: &'static str,
        /// Its value; never a secret.
        given: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A file of certificates or keys cannot be used.
    #[error("{option} = {}: not readable, or not in PEM format", path.display())]
    File {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Only one of `certfile` and `keyfile` is set, or they do not belong together.
    #[error("certfile and keyfile do not make a client certificate together")]
    ClientCertificate {
        /// What is wrong, where something is known.
        #[source]
        source: Option<rustls::Error>,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client {
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
}

/// Why a service of the cloud gave no usable answer.
///
/// No variant holds a token or a password. Cloning is cheap.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// No connection, or one that broke.
    #[error("{url} cannot be reached")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What happened.
        #[source]
        source: Arc<reqwest::Error>,
    },
    /// No answer within the deadline.
    #[error("{url} did not answer within {after:?}")]
    TimedOut {
        /// What was asked.
        url: String,
        /// The deadline.
        after: Duration,
    },
    /// An answer with a status that says no.
    #[error("{url} answered {status}: {message}")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the body says of it, one line.
        message: String,
        /// The service's id of the request, to find it in its log.
        request_id: Option<String>,
    },
    /// Keystone does not give this session a token: its credentials are wrong, its user or project
    /// disabled, its trust gone.
    #[error("{url} gives no token ({status}): {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// 401, 403 or 404.
        status: u16,
        /// What Keystone says of it, one line.
        message: String,
    },
    /// An answer that cannot be understood.
    #[error("{url} answered with something else than expected: {reason}")]
    Malformed {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is to be sent is no URL, header or JSON.
    #[error("the request cannot be sent: {reason}")]
    Request {
        /// What is wrong with it.
        reason: String,
    },
    /// The catalog has no such endpoint.
    #[error("the catalog has no {interface} endpoint of type {service_type}{}", in_region(region))]
    NoEndpoint {
        /// The service.
        service_type: String,
        /// The interface.
        interface: Interface,
        /// The region, where one was asked for.
        region: Option<String>,
    },
}

fn in_region(region: &Option<String>) -> String {
    region.as_ref().map(|region| format!(" in region {region}")).unwrap_or_default()
}

impl SessionError {
    /// The HTTP status that was answered, where one was.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same request may succeed later with nothing changed: the service was not
    /// reached, too slow, overloaded or failing.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

/// Why a request is not let in.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No `X-Auth-Token`.
    #[error("the request carries no token in X-Auth-Token")]
    Missing,
    /// The token is unknown, expired or revoked, or was sent more than once.
    #[error("the token in X-Auth-Token is not valid")]
    InvalidToken,
    /// The service token is not valid, or carries none of the roles that a service needs.
    #[error("the token in X-Service-Token is not that of a service")]
    InvalidServiceToken,
    /// The token is valid, and the access rules of its application credential allow other requests
    /// than this one.
    #[error("the access rules of the application credential do not allow the request")]
    AccessRules,
    /// Nobody knows whether the token is valid: Keystone does not answer, or not to us.
    #[error("the identity service does not answer")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// What happened. For the log; a client learns nothing of it.
        #[source]
        source: SessionError,
    },
}

impl AuthError {
    /// The HTTP status: 401, and 503 for [`AuthError::Unavailable`].
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unavailable { .. } => 503,
            _ => 401,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_by_itself_is_temporary() {
        let status = |status| SessionError::Status {
            url: "u".to_owned(),
            status,
            message: String::new(),
            request_id: None,
        };
        for (code, temporary) in [(400, false), (404, false), (429, true), (500, true), (503, true)]
        {
            assert_eq!(status(code).is_temporary(), temporary, "{code}");
        }
        let slow = SessionError::TimedOut { url: "u".to_owned(), after: Duration::from_secs(1) };
        assert!(slow.is_temporary());
    }
}
