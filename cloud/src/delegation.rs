use async_trait::async_trait;
use firn_core::{ErrorKind, ProjectId};

use crate::BoxError;

/// What the owner of scheduled work left behind, so that it can be done without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The Keystone trust; `None` where none was made.
    pub trust_id: Option<String>,
    /// The project that the work is in.
    pub project_id: ProjectId,
    /// The user in whose name it is done.
    pub user_id: String,
}

/// Proof that a grant stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The project that the cloud says the grant is for.
    pub project_id: ProjectId,
    /// The user that the cloud says gave it.
    pub user_id: String,
}

/// Why scheduled work may not be done.
#[derive(Debug, thiserror::Error)]
pub enum DelegationError {
    /// There is no trust where one is needed.
    #[error(
        "the plan has no trust to run under: pause and resume it as the user in whose name it is \
         to run"
    )]
    Missing,
    /// The cloud refuses it: it was removed, has expired, or its user lost the roles or was
    /// disabled.
    #[error(
        "the plan's trust is refused: pause and resume it as a user with a role in project \
         {project_id}, so that a new trust is made"
    )]
    Refused {
        /// The plan's project.
        project_id: ProjectId,
        /// What the cloud said.
        #[source]
        source: BoxError,
    },
    /// Nobody can tell now.
    #[error("the identity service does not answer: the run is tried again")]
    Unavailable {
        /// What happened.
        #[source]
        source: BoxError,
    },
}

impl DelegationError {
    /// What can be done about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing | Self::Refused { .. } => ErrorKind::Forbidden,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Turns what an owner left behind into the right to act for them.
///
/// It is asked before every scheduled run, so that work stops when its owner has left.
#[async_trait]
pub trait Delegation: Send + Sync {
    /// Gets credentials scoped by the grant. Answers within a deadline.
    ///
    /// # Errors
    /// [`DelegationError::Missing`] and [`DelegationError::Refused`] last until the owner acts;
    /// [`DelegationError::Unavailable`] may pass.
    async fn obtain(&self, grant: &Grant) -> Result<Delegated, DelegationError>;
}

/// Where there is no Keystone, every grant stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDelegation;

#[async_trait]
impl Delegation for NoDelegation {
    async fn obtain(&self, grant: &Grant) -> Result<Delegated, DelegationError> {
        Ok(Delegated { project_id: grant.project_id.clone(), user_id: grant.user_id.clone() })
    }
}
