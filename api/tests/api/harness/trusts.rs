use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use firn_api::{Credentials, Delegation, DelegationError, Principal};

use super::MEMBER;

/// Trusts that are kept in a list, or refused.
#[derive(Clone, Default)]
pub(crate) struct Trusts(Arc<Mutex<(Vec<String>, Option<&'static str>)>>);

impl Trusts {
    pub(crate) fn there(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn fail(&self, how: Option<&'static str>) {
        self.0.lock().unwrap().1 = how;
    }

    fn answer(&self) -> Result<(), DelegationError> {
        match self.0.lock().unwrap().1 {
            None => Ok(()),
            Some("refuse") => {
                let reason = "an application credential may not".to_owned();
                Err(DelegationError::Refused { reason })
            }
            Some(_) => {
                let source = Box::new(std::io::Error::other("secret"));
                Err(DelegationError::Unavailable { source })
            }
        }
    }
}

#[async_trait]
impl Delegation for Trusts {
    async fn entrust(
        &self,
        caller: &Principal,
        credentials: &Credentials,
    ) -> Result<Option<String>, DelegationError> {
        self.answer()?;
        assert_eq!(credentials.token.as_deref(), Some(MEMBER));
        let id = format!("trust-of-{}", caller.user_id);
        self.0.lock().unwrap().0.push(id.clone());
        Ok(Some(id))
    }

    async fn revoke(&self, id: &str, _: &Credentials) -> Result<(), DelegationError> {
        self.answer()?;
        self.0.lock().unwrap().0.retain(|known| known != id);
        Ok(())
    }
}
