use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use firn_core::ErrorKind;

use crate::openstack::identity::{IdentityError, Trusts};
use crate::openstack::{Services, ServicesOptions};
use crate::{CloudError, Grant};

/// More restores at once than one process ever works on: what is kept beyond are services of grants
/// that somebody else has ended.
const KEPT: usize = 64;

/// The services in the names of those who asked for restores.
pub(super) struct Owners {
    trusts: Trusts,
    options: ServicesOptions,
    /// By trust. Each new session asks for a token of its own.
    services: Mutex<HashMap<String, Services>>,
}

impl Owners {
    pub(super) fn new(trusts: Trusts, options: ServicesOptions) -> Self {
        Self { trusts, options, services: Mutex::default() }
    }

    /// The services as the owner of a grant. Nothing is asked yet.
    ///
    /// # Errors
    /// `Forbidden` for a grant without a trust.
    pub(super) fn services(&self, grant: &Grant) -> Result<Services, CloudError> {
        let trust = grant.trust_id.as_deref().ok_or_else(no_trust)?;
        let mut kept = self.kept();
        if let Some(services) = kept.get(trust) {
            return Ok(services.clone());
        }
        let session = self.trusts.session(trust).map_err(refused)?;
        let services = Services::acting(&session, self.trusts.trustee(), &self.options);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(trust.to_owned(), services.clone());
        Ok(services)
    }

    /// Deletes the trust of a grant. One that is gone is fine.
    pub(super) async fn end(&self, grant: &Grant) -> Result<(), CloudError> {
        let Some(trust) = grant.trust_id.as_deref() else { return Ok(()) };
        self.trusts.delete(trust).await.map_err(refused)?;
        self.kept().remove(trust);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Services>> {
        // What is kept is whole whenever the lock is free.
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_trust() -> CloudError {
    let source = "restoring to the cloud is done in the name of whoever asks for it, and there is \
                  no trust for that: ask with a token that can delegate, not with one of an \
                  application credential";
    CloudError::Refused { kind: ErrorKind::Forbidden, source: source.into() }
}

fn refused(error: IdentityError) -> CloudError {
    CloudError::Refused { kind: error.kind(), source: Box::new(error) }
}
