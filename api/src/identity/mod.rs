//! Who is calling. One port, [`Identity`]; the service knows no more of tokens than this.

mod standalone;

use async_trait::async_trait;
use firn_core::{ErrorKind, ProjectId};

pub use standalone::{StandaloneIdentity, TokenError};

/// What a request brings along to say who sent it. `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `X-Auth-Token`: the caller's.
    pub token: Option<String>,
    /// `X-Service-Token`: that of a service acting for the caller.
    pub service_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("token", &self.token.is_some())
            .field("service_token", &self.service_token.is_some())
            .finish()
    }
}

/// Who the caller turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The project the request acts in.
    pub project_id: ProjectId,
    /// May see and do everything, in every project.
    pub is_admin: bool,
}

/// Tells callers apart.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Who sent these credentials.
    ///
    /// # Errors
    /// Any [`IdentityError`]; without a principal nothing is done for the caller.
    async fn authenticate(&self, credentials: &Credentials) -> Result<Principal, IdentityError>;

    /// Whether a caller without credentials is refused. Only then may the service be reached
    /// from other machines.
    fn demands_credentials(&self) -> bool;

    /// The `WWW-Authenticate` value of a refusal.
    fn challenge(&self) -> String;
}

/// Why nobody was recognised.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No token, or one that is not valid (any more).
    #[error("the request needs a valid token in X-Auth-Token")]
    Unauthorized,
    /// The identity service does not answer; nobody is let in meanwhile.
    #[error("the identity service does not answer; try again")]
    Unavailable {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl IdentityError {
    /// What a caller can act on.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthorized => ErrorKind::Forbidden,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}
