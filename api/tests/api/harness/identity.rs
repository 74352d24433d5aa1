//! Callers whose tokens say who they are: `project:user:role,role`.

use async_trait::async_trait;
use firn_api::{Credentials, Identity, IdentityError, Principal};
use firn_core::ProjectId;

/// A member of the project whose instances the conductor knows.
pub(crate) const MEMBER: &str = "standalone:alice:member,reader";
/// Somebody who may look only.
pub(crate) const READER: &str = "standalone:rita:reader";
/// A member of another project.
pub(crate) const STRANGER: &str = "elsewhere:mallory:member,reader";
/// An administrator, of the other project.
pub(crate) const ADMIN: &str = "elsewhere:root:admin";
/// Nobody can tell, for the identity service does not answer.
pub(crate) const DOWN: &str = "down";
/// Valid, but for no project.
pub(crate) const SYSTEM: &str = "system";

/// Believes every token.
pub(crate) struct ByToken;

#[async_trait]
impl Identity for ByToken {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Principal, IdentityError> {
        // As a real one does, it takes its time: nothing of the request must move meanwhile.
        tokio::task::yield_now().await;
        let token = credentials.token.as_deref().ok_or(IdentityError::Unauthorized)?;
        match token {
            DOWN => {
                let source = Box::new(std::io::Error::other("secret"));
                Err(IdentityError::Unavailable { source })
            }
            SYSTEM => Err(IdentityError::NoProject),
            token => {
                let mut parts = token.split(':');
                let mut part = || parts.next().ok_or(IdentityError::Unauthorized);
                let (project, user, roles) = (part()?, part()?, part()?);
                let roles: Vec<_> = roles.split(',').collect();
                Ok(Principal::new(ProjectId(project.to_owned()), user, &roles))
            }
        }
    }

    fn demands_credentials(&self) -> bool {
        true
    }

    fn challenge(&self) -> String {
        "Token".to_owned()
    }
}
