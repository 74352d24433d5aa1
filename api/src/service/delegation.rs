use chrono::TimeDelta;

use super::now;
use crate::DelegationError;
use crate::http::{ApiError, Call};

impl Call {
    /// A trust of the caller's for the service, which ends by itself after that time; `None` where
    /// there is nobody to be entrusted by.
    pub(super) async fn entrust(
        &self,
        lifetime: Option<TimeDelta>,
    ) -> Result<Option<String>, ApiError> {
        let (caller, until) = (&self.caller, lifetime.map(|lifetime| now() + lifetime));
        let delegation = &self.service.delegation;
        let entrusted = delegation.entrust(&caller.principal, &caller.credentials, until);
        entrusted.await.map_err(refused)
    }

    /// Nobody may act for anybody for what there is not.
    pub(super) async fn end_trust(&self, trust: Option<&str>) {
        let Some(trust) = trust else { return };
        let ended = self.service.delegation.revoke(trust, &self.caller.credentials);
        if let Err(error) = ended.await {
            tracing::warn!(%error, trust, "a trust of nothing could not be ended");
        }
    }
}

/// What a caller is told of it.
pub(super) fn refused(error: DelegationError) -> ApiError {
    match error {
        error @ DelegationError::Refused { .. } => {
            ApiError::Refused { kind: error.kind(), message: error.to_string() }
        }
        error @ DelegationError::Unavailable { .. } => {
            ApiError::failed(error.kind(), "no trust could be made or ended", error)
        }
    }
}
