use async_trait::async_trait;
use firn_core::ProjectId;
use keystone_middleware_rs::{AuthError, Presented, Validator};

use super::{Credentials, Identity, IdentityError, Principal};

/// Asks Keystone who a token speaks for.
#[derive(Clone, Debug)]
pub struct KeystoneIdentity {
    validator: Validator,
}

impl KeystoneIdentity {
    /// Clones of the validator share its cache.
    pub const fn new(validator: Validator) -> Self {
        Self { validator }
    }
}

#[async_trait]
impl Identity for KeystoneIdentity {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Principal, IdentityError> {
        let presented = Presented {
            token: credentials.token.as_deref(),
            service_token: credentials.service_token.as_deref(),
            method: &credentials.method,
            path: &credentials.path,
        };
        let context = self.validator.authenticate(presented).await.map_err(refused)?;
        let token = &context.token;
        // Everything here belongs to a project, so a token of the system or a domain speaks for
        // nothing.
        let project = token.project.as_ref().ok_or(IdentityError::NoProject)?;
        Ok(Principal {
            project_id: ProjectId(project.id.clone()),
            user_id: token.user.id.clone(),
            roles: token.role_names().map(str::to_owned).collect(),
            project_domain_id: Some(project.domain.id.clone()),
            user_domain_id: Some(token.user.domain.id.clone()),
        })
    }

    fn demands_credentials(&self) -> bool {
        true
    }

    fn challenge(&self) -> String {
        self.validator.challenge()
    }
}

/// Whatever is not known to be a refusal of Keystone's is no answer of it.
fn refused(error: AuthError) -> IdentityError {
    match error.status() {
        401 => {
            tracing::info!(%error, "not let in");
            IdentityError::Unauthorized
        }
        _ => IdentityError::Unavailable { source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keystone_middleware_rs::SessionError;

    use super::*;

    #[test]
    fn only_keystones_own_no_is_a_401() {
        for error in [
            AuthError::Missing,
            AuthError::InvalidToken,
            AuthError::InvalidServiceToken,
            AuthError::AccessRules,
        ] {
            assert!(matches!(refused(error), IdentityError::Unauthorized));
        }
        let after = Duration::from_secs(1);
        let source = SessionError::TimedOut { url: String::new(), after };
        let silent = AuthError::Unavailable { retry_after: after, source };
        assert!(matches!(refused(silent), IdentityError::Unavailable { .. }));
    }
}
