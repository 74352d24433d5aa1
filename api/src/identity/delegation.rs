use async_trait::async_trait;
use chrono::{DateTime, Utc};
use firn_core::ErrorKind;

use super::{Credentials, Principal};

/// Lets the service act for a user later, when the token of the request is long gone.
#[async_trait]
pub trait Delegation: Send + Sync {
    /// Has the caller entrust the service with acting in the caller's name and project, `until` a time
    /// at most. The id is kept with what runs under it; `None` where there is nobody to be entrusted
    /// by.
    ///
    /// # Errors
    /// Any [`DelegationError`]; nothing is entrusted then.
    async fn entrust(
        &self,
        caller: &Principal,
        credentials: &Credentials,
        until: Option<DateTime<Utc>>,
    ) -> Result<Option<String>, DelegationError>;

    /// Ends what [`Delegation::entrust`] began. One that has ended already is fine.
    ///
    /// # Errors
    /// [`DelegationError::Unavailable`]; it may then go on.
    async fn revoke(&self, id: &str, credentials: &Credentials) -> Result<(), DelegationError>;
}

/// Nobody has to be asked: one machine without Keystone.
pub struct NoDelegation;

#[async_trait]
impl Delegation for NoDelegation {
    async fn entrust(
        &self,
        _: &Principal,
        _: &Credentials,
        _: Option<DateTime<Utc>>,
    ) -> Result<Option<String>, DelegationError> {
        Ok(None)
    }

    async fn revoke(&self, _: &str, _: &Credentials) -> Result<(), DelegationError> {
        Ok(())
    }
}

/// Why the service is not entrusted.
#[derive(Debug, thiserror::Error)]
pub enum DelegationError {
    /// The identity service does not let this caller entrust anybody.
    #[error("the identity service does not let you entrust this service: {reason}")]
    Refused {
        /// What it says, for the caller.
        reason: String,
    },
    /// The identity service does not answer.
    #[error("the identity service does not answer; try again")]
    Unavailable {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DelegationError {
    /// What a caller can act on.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } => ErrorKind::Forbidden,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}
