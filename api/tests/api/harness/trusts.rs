use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use firn_api::{Credentials, Delegation, DelegationError, Principal};

use super::MEMBER;

/// Trusts that are kept in a list, or refused. One beside others has a number.
#[derive(Clone, Default)]
pub(crate) struct Trusts(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    there: Vec<String>,
    fails: Option<&'static str>,
}

impl Trusts {
    pub(crate) fn there(&self) -> Vec<String> {
        self.0.lock().unwrap().there.clone()
    }

    pub(crate) fn fail(&self, how: Option<&'static str>) {
        self.0.lock().unwrap().fails = how;
    }

    fn answer(&self) -> Result<(), DelegationError> {
        match self.0.lock().unwrap().fails {
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
        _: Option<DateTime<Utc>>,
    ) -> Result<Option<String>, DelegationError> {
        self.answer()?;
        assert_eq!(credentials.token.as_deref(), Some(MEMBER));
        let mut state = self.0.lock().unwrap();
        let number = match state.there.len() {
            0 => String::new(),
            others => format!("-{}", others + 1),
        };
        let id = format!("trust-of-{}{number}", caller.user_id);
        state.there.push(id.clone());
        Ok(Some(id))
    }

    async fn revoke(&self, id: &str, _: &Credentials) -> Result<(), DelegationError> {
        self.answer()?;
        self.0.lock().unwrap().there.retain(|known| known != id);
        Ok(())
    }
}
