use async_trait::async_trait;
use firn_core::ProjectId;

use super::identity::Trusts;
use crate::{Delegated, Delegation, DelegationError, Grant};

/// Grants that are Keystone trusts.
#[derive(Clone, Debug)]
pub struct TrustDelegation {
    trusts: Trusts,
}

impl TrustDelegation {
    /// Trusts whose trustee is the service user.
    pub fn new(trusts: Trusts) -> Self {
        Self { trusts }
    }
}

#[async_trait]
impl Delegation for TrustDelegation {
    async fn obtain(&self, grant: &Grant) -> Result<Delegated, DelegationError> {
        let trust = grant.trust_id.as_deref().ok_or(DelegationError::Missing)?;
        match self.trusts.act(trust).await {
            Ok(Ok(context)) => Ok(Delegated {
                project_id: context.project.as_ref().map_or_else(
                    || grant.project_id.clone(),
                    |project| ProjectId(project.id.clone()),
                ),
                user_id: context.user.id.clone(),
            }),
            Ok(Err(reason)) => Err(DelegationError::Refused {
                project_id: grant.project_id.clone(),
                source: reason.into(),
            }),
            // What is wrong with the service user says nothing of the trust.
            Err(error) => Err(DelegationError::Unavailable { source: Box::new(error) }),
        }
    }
}
