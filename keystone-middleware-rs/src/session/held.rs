//! The token at hand: gotten once for all who ask, renewed before it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use super::auth::Auth;
use crate::flight::Flights;
use crate::http::{Call, Transport};
use crate::{Secret, SessionError, TokenContext, wire};

/// A token is renewed this long before it ends, or after three quarters of a shorter life.
const RENEW_BEFORE: Duration = Duration::from_secs(30);
/// After a refusal Keystone is not asked again for this long: repeating a wrong password locks
/// accounts where Keystone counts failures.
const REFUSED_FOR: Duration = Duration::from_secs(2);

/// A token and what Keystone said of it.
pub(super) struct Held {
    pub(super) token: Secret,
    pub(super) context: Arc<TokenContext>,
    renew_at: DateTime<Utc>,
}

impl Held {
    fn new(token: Secret, context: TokenContext, now: DateTime<Utc>) -> Self {
        let life = (context.expires_at - now).to_std().unwrap_or_default();
        let renew_at = context.expires_at - RENEW_BEFORE.min(life / 4);
        Self { token, context: Arc::new(context), renew_at }
    }
}

type Renewal = Result<Arc<Held>, SessionError>;

pub(super) struct Holder {
    transport: Arc<Transport>,
    auth_url: String,
    auth: Auth,
    state: Arc<Mutex<State>>,
    renewals: Flights<(), Renewal>,
}

#[derive(Default)]
struct State {
    held: Option<Arc<Held>>,
    refused: Option<(Instant, SessionError)>,
}

impl Holder {
    pub(super) fn new(transport: Arc<Transport>, auth_url: String, auth: Auth) -> Self {
        Self { transport, auth_url, auth, state: Arc::default(), renewals: Flights::new() }
    }

    pub(super) const fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(super) async fn hold(self: &Arc<Self>) -> Renewal {
        let now = Utc::now();
        let at_hand = {
            let state = self.state.lock();
            if let Some((since, error)) = &state.refused
                && since.elapsed() < REFUSED_FOR
            {
                return Err(error.clone());
            }
            state.held.clone()
        };
        match at_hand {
            Some(held) if now < held.renew_at => return Ok(held),
            _ => {}
        }
        let renewed = self.renewals.join((), || Arc::clone(self).renew()).await;
        match (renewed, at_hand) {
            // Not renewed in time is no reason to stop while the old one still works.
            (Err(error), Some(held)) if error.is_temporary() && now < held.context.expires_at => {
                tracing::warn!(%error, "the session's token could not be renewed yet");
                Ok(held)
            }
            (renewed, _) => renewed,
        }
    }

    pub(super) fn forget(&self, token: &Secret) {
        let mut state = self.state.lock();
        if state.held.as_ref().is_some_and(|held| held.token.expose() == token.expose()) {
            state.held = None;
        }
    }

    async fn renew(self: Arc<Self>) -> Renewal {
        let renewed = self.authenticate().await.map(Arc::new);
        let mut state = self.state.lock();
        match &renewed {
            Ok(held) => *state = State { held: Some(Arc::clone(held)), refused: None },
            Err(error @ SessionError::Refused { .. }) => {
                tracing::warn!(%error, "no token for the session");
                *state = State { held: None, refused: Some((Instant::now(), error.clone())) };
            }
            Err(_) => {}
        }
        renewed
    }

    async fn authenticate(&self) -> Result<Held, SessionError> {
        let url = format!("{}/auth/tokens", self.auth_url);
        let unusable = |reason: String| SessionError::Request { reason };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = Call {
            method: Method::POST,
            url: Url::parse(&url).map_err(|error| unusable(error.to_string()))?,
            headers,
            body: Some(self.auth.body().to_string().into()),
            repeatable: true,
            timeout: self.transport.timeout,
        };
        let now = Utc::now();
        let answer = self.transport.send(&call).await?;
        match answer.status() {
            200 | 201 => {}
            status @ (401 | 403 | 404) => {
                return Err(SessionError::Refused { url, status, message: answer.message() });
            }
            _ => return Err(answer.to_error()),
        }
        let malformed = |reason: String| SessionError::Malformed { url: url.clone(), reason };
        let token = answer.header("x-subject-token").filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| malformed("no token in X-Subject-Token".to_owned()))?;
        let context = wire::token(answer.body()).map_err(|error| malformed(error.to_string()))?;
        Ok(Held::new(token.into(), context, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::sample;

    #[test]
    fn tokens_are_renewed_before_they_end() {
        let now = Utc::now();
        for (life, before) in [(3600, 30), (120, 30), (40, 10), (4, 1), (0, 0), (-5, 0)] {
            let mut context = sample();
            context.expires_at = now + chrono::Duration::seconds(life);
            let held = Held::new("t".into(), context, now);
            let expected = now + chrono::Duration::seconds(life - before);
            assert_eq!(held.renew_at, expected, "{life}");
        }
    }
}
