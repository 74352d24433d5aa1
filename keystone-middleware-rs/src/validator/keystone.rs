use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;

use crate::{Secret, Session, SessionError, TokenContext, wire};

/// Without it Keystone refuses tokens of application credentials with access rules; with it we
/// promise to obey them.
const ACCESS_RULES_HEADER: &str = "openstack-identity-access-rules";
const ACCESS_RULES_VERSION: &str = "1.0";
/// What a cached token takes beside what its body becomes: key, order, allocation.
const ENTRY_BYTES: usize = 512;

/// What Keystone says of a token.
#[derive(Clone)]
pub(super) enum Verdict {
    Valid {
        context: Arc<TokenContext>,
        /// About the memory it takes.
        bytes: usize,
    },
    Invalid,
}

/// Keystone, asked as the service user.
pub(super) struct Keystone {
    session: Session,
    with_catalog: bool,
    timeout: Duration,
}

impl Keystone {
    pub(super) const fn new(session: Session, with_catalog: bool, timeout: Duration) -> Self {
        Self { session, with_catalog, timeout }
    }

    pub(super) const fn session(&self) -> &Session {
        &self.session
    }

    /// Asks about the token; everything included, within the deadline.
    pub(super) async fn ask(
        &self,
        token: &Secret,
        allow_expired: bool,
    ) -> Result<Verdict, SessionError> {
        let asked = tokio::time::timeout(self.timeout, self.ask_at_leisure(token, allow_expired));
        asked.await.unwrap_or_else(|_| {
            let url = self.session.auth_url().to_owned();
            Err(SessionError::TimedOut { url, after: self.timeout })
        })
    }

    async fn ask_at_leisure(
        &self,
        token: &Secret,
        allow_expired: bool,
    ) -> Result<Verdict, SessionError> {
        let url = format!("{}/auth/tokens", self.session.identity_url().await?);
        let mut request = self
            .session
            .request(Method::GET, &url)
            .secret_header("x-subject-token", token)
            .header(ACCESS_RULES_HEADER, ACCESS_RULES_VERSION);
        if allow_expired {
            request = request.query("allow_expired", "1");
        }
        if !self.with_catalog {
            request = request.query("nocatalog", "1");
        }
        let answer = request.send().await?;
        match answer.status() {
            200 => {}
            404 => return Ok(Verdict::Invalid),
            // 401 and 403 are about us, not about the token.
            _ => return Err(answer.to_error()),
        }
        let context = wire::token(answer.body()).map_err(|error| SessionError::Malformed {
            url: url.clone(),
            reason: error.to_string(),
        })?;
        // Strings of their own cost about what their JSON does; twice is on the safe side.
        let bytes = ENTRY_BYTES + 2 * answer.body().len();
        Ok(Verdict::Valid { context: Arc::new(context), bytes })
    }
}
