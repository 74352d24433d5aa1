use async_trait::async_trait;
use chrono::{DateTime, Utc};
use firn_cloud::openstack::identity::{IdentityError as CloudError, Trusts};
use keystone_middleware_rs::{Secret, Validator};

use super::{Credentials, Delegation, DelegationError, Principal};

/// Keystone trusts: users let the service user act in their name and project.
#[derive(Clone, Debug)]
pub struct KeystoneDelegation {
    validator: Validator,
    trusts: Trusts,
}

impl KeystoneDelegation {
    /// Trusts of the user of the validator's session, the service user.
    pub fn new(validator: Validator) -> Self {
        let trusts = Trusts::new(validator.session().clone());
        Self { validator, trusts }
    }
}

#[async_trait]
impl Delegation for KeystoneDelegation {
    async fn entrust(
        &self,
        _: &Principal,
        credentials: &Credentials,
        until: Option<DateTime<Utc>>,
    ) -> Result<Option<String>, DelegationError> {
        let token = credentials.token.as_deref().map(str::trim).unwrap_or_default();
        // Asked for a moment ago, so this is answered from the cache.
        let context = self.validator.validate(token, false).await;
        let context = context
            .map_err(|error| DelegationError::Unavailable { source: Box::new(error) })?
            .ok_or_else(|| DelegationError::Refused { reason: "the token ended".to_owned() })?;
        let made = self.trusts.create(&Secret::from(token), &context, until).await;
        made.map(Some).map_err(refused)
    }

    async fn revoke(&self, id: &str, _: &Credentials) -> Result<(), DelegationError> {
        match self.trusts.delete(id).await {
            // It gives no token any more, so nobody can use it: what is left is Keystone's.
            Err(error @ CloudError::Refused { .. }) => {
                tracing::warn!(trust = id, %error, "a trust that ended could not be deleted");
                Ok(())
            }
            done => done.map_err(refused),
        }
    }
}

fn refused(error: CloudError) -> DelegationError {
    match error {
        CloudError::Refused { reason } => DelegationError::Refused { reason },
        error => DelegationError::Unavailable { source: Box::new(error) },
    }
}
