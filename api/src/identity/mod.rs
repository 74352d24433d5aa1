//! Who is calling. One port, [`Identity`]; the service knows no more of tokens than this. A second,
//! [`Delegation`], for what is done in a caller's name when the caller is gone.

mod delegation;
mod keystone;
mod standalone;
mod trusts;

use async_trait::async_trait;
use firn_core::{ErrorKind, ProjectId};

pub use delegation::{Delegation, DelegationError, NoDelegation};
pub use keystone::KeystoneIdentity;
pub use standalone::{StandaloneIdentity, TokenError};
pub use trusts::KeystoneDelegation;

/// What a request brings along to say who sent it. `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `X-Auth-Token`: the caller's.
    pub token: Option<String>,
    /// `X-Service-Token`: that of a service acting for the caller.
    pub service_token: Option<String>,
    /// The HTTP method of the request.
    pub method: String,
    /// Its path as it was sent, without the query.
    pub path: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("token", &self.token.is_some())
            .field("service_token", &self.service_token.is_some())
            .field("method", &self.method)
            .field("path", &self.path)
            .finish()
    }
}

/// Who the caller turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The project the request acts in.
    pub project_id: ProjectId,
    /// The user who sent it.
    pub user_id: String,
    /// The names of the user's roles in the project.
    pub roles: Vec<String>,
    /// The domain of the project, where there are domains.
    pub project_domain_id: Option<String>,
    /// The domain of the user, where there are domains.
    pub user_domain_id: Option<String>,
}

impl Principal {
    /// A user without domain.
    pub fn new(project_id: ProjectId, user_id: &str, roles: &[&str]) -> Self {
        Self {
            project_id,
            user_id: user_id.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            project_domain_id: None,
            user_domain_id: None,
        }
    }
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
    /// The token is valid, and speaks for no project.
    #[error("the token is not for a project: get one that is scoped to a project")]
    NoProject,
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
            Self::Unauthorized | Self::NoProject => ErrorKind::Forbidden,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}
