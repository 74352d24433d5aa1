mod keystone;
mod rules;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::cache::{Key, Known, Now, TokenCache};
use crate::flight::Flights;
use crate::{
    AuthContext, AuthError, AuthTokenOptions, OptionsError, Presented, Secret, Session,
    SessionError, TokenContext,
};
use keystone::{Keystone, Verdict};

/// Longer than any token of Keystone (fernet and JWS tokens have some hundred bytes), shorter
/// than the header that a web server in front of it refuses.
const TOKEN_MAX_BYTES: usize = 4096;
/// When a client may try again after Keystone did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Says who a request's tokens speak for: the middleware without the web framework.
///
/// Cloning is cheap, and clones share cache and session. Make one for the process and give it to
/// every worker. Nothing is sent before the first token is to be checked.
#[derive(Clone)]
pub struct Validator {
    inner: Arc<Inner>,
}

struct Inner {
    keystone: Arc<Keystone>,
    cache: TokenCache,
    flights: Flights<(Key, bool), Result<Verdict, SessionError>>,
    service_token_roles: Vec<String>,
    service_token_roles_required: bool,
    include_service_catalog: bool,
    service_type: Option<String>,
    www_authenticate_uri: String,
    delay_auth_decision: bool,
    counts: Counts,
    warned: AtomicBool,
}

#[derive(Default)]
struct Counts {
    cached: AtomicU64,
    asked: AtomicU64,
    unavailable: AtomicU64,
}

/// What a [`Validator`] has done since it was made. For metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidatorCounts {
    /// Tokens answered from the cache.
    pub cached: u64,
    /// Tokens Keystone was asked about.
    pub asked: u64,
    /// Of these, how often it gave no answer.
    pub unavailable: u64,
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keystone = self.inner.keystone.session();
        f.debug_struct("Validator").field("session", keystone).finish_non_exhaustive()
    }
}

impl Validator {
    /// A validator for these options, with a session of its own.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub fn new(options: &AuthTokenOptions) -> Result<Self, OptionsError> {
        Ok(Self::with_session(options, Session::new(options.session()?)?))
    }

    /// A validator that asks as the user of this session.
    pub fn with_session(options: &AuthTokenOptions, session: Session) -> Self {
        let uri = options.www_authenticate_uri.clone().unwrap_or_else(|| options.auth_url.clone());
        let include_service_catalog = options.include_service_catalog;
        let keystone = Keystone::new(session, include_service_catalog, options.timeout);
        let inner = Inner {
            keystone: Arc::new(keystone),
            cache: TokenCache::new(
                options.token_cache_time,
                options.invalid_token_cache_time,
                options.token_cache_max_bytes,
            ),
            flights: Flights::new(),
            service_token_roles: options.service_token_roles.clone(),
            service_token_roles_required: options.service_token_roles_required,
            include_service_catalog,
            service_type: options.service_type.clone(),
            www_authenticate_uri: uri,
            delay_auth_decision: options.delay_auth_decision,
            counts: Counts::default(),
            warned: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The session of the service user.
    pub fn session(&self) -> &Session {
        self.inner.keystone.session()
    }

    /// The value of `WWW-Authenticate` for a 401.
    pub fn challenge(&self) -> String {
        format!("Keystone uri=\"{}\"", self.inner.www_authenticate_uri)
    }

    /// Whether requests without a valid token are let through to the application.
    pub fn delays_decision(&self) -> bool {
        self.inner.delay_auth_decision
    }

    /// What has been done so far.
    pub fn counts(&self) -> ValidatorCounts {
        let counts = &self.inner.counts;
        ValidatorCounts {
            cached: counts.cached.load(Ordering::Relaxed),
            asked: counts.asked.load(Ordering::Relaxed),
            unavailable: counts.unavailable.load(Ordering::Relaxed),
        }
    }

    /// Who sends the request.
    ///
    /// # Errors
    /// [`AuthError`]; whoever gets one must not do what the request asks for.
    pub async fn authenticate(&self, presented: Presented<'_>) -> Result<AuthContext, AuthError> {
        // A request without any token costs nothing.
        let token = presented.token.map(str::trim).filter(|token| !token.is_empty());
        let token = token.ok_or(AuthError::Missing)?;
        let (service_token, is_service_request) = match presented.service_token {
            Some(token) => self.service(token.trim()).await?,
            None => (None, false),
        };
        let context = self.validate(token, is_service_request).await?;
        let context = context.ok_or(AuthError::InvalidToken)?;
        self.inner.obey_access_rules(&context, presented, is_service_request)?;
        let secret = Secret::from(token);
        Ok(AuthContext { token: context, service_token, is_service_request, secret })
    }

    /// The service token's context, and whether its roles are those of a service.
    async fn service(&self, token: &str) -> Result<(Option<Arc<TokenContext>>, bool), AuthError> {
        let inner = &self.inner;
        let context = self.validate(token, false).await?.ok_or(AuthError::InvalidServiceToken)?;
        let is_service = inner.service_token_roles.iter().any(|role| context.has_role(role));
        if !is_service {
            if inner.service_token_roles_required {
                tracing::info!(user_id = context.user.id, "a service token without service role");
                return Err(AuthError::InvalidServiceToken);
            }
            if !inner.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    user_id = context.user.id,
                    "a token without service role is accepted as service token, because \
                     service_token_roles_required is off"
                );
            }
        }
        Ok((Some(context), is_service))
    }

    /// What Keystone says of a token, or said a short while ago; none where it is not valid.
    /// `allow_expired` accepts one that expired within Keystone's `allow_expired_window`.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub async fn validate(
        &self,
        token: &str,
        allow_expired: bool,
    ) -> Result<Option<Arc<TokenContext>>, AuthError> {
        let inner = &self.inner;
        let plausible = !token.is_empty()
            && token.len() <= TOKEN_MAX_BYTES
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !plausible {
            return Ok(None);
        }
        let key = Key::of(token);
        if let Some(known) = inner.cache.get(key, allow_expired, Now::read()) {
            inner.counts.cached.fetch_add(1, Ordering::Relaxed);
            return Ok(match known {
                Known::Valid(context) => Some(context),
                Known::Invalid => None,
            });
        }
        let flight = inner.flights.join((key, allow_expired), || {
            Arc::clone(inner).ask(Secret::from(token), key, allow_expired)
        });
        match flight.await {
            Ok(Verdict::Valid { context, .. }) => Ok(Some(context)),
            Ok(Verdict::Invalid) => Ok(None),
            Err(source) => Err(AuthError::Unavailable { retry_after: RETRY_AFTER, source }),
        }
    }
}

impl Inner {
    /// Asks Keystone, and keeps the answer.
    async fn ask(
        self: Arc<Self>,
        token: Secret,
        key: Key,
        allow_expired: bool,
    ) -> Result<Verdict, SessionError> {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        let asked_at = Now::read();
        let verdict = self.keystone.ask(&token, allow_expired).await.inspect_err(|error| {
            self.counts.unavailable.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "no answer about a token");
        })?;
        match verdict {
            Verdict::Valid { context, .. }
                if !allow_expired && context.expires_at <= Now::read().wall =>
            {
                Ok(Verdict::Invalid)
            }
            // The time counts from the question: a token revoked after it is let in no longer.
            Verdict::Valid { context, bytes } => {
                self.cache.keep_valid(key, Arc::clone(&context), bytes, asked_at);
                Ok(Verdict::Valid { context, bytes })
            }
            Verdict::Invalid => {
                self.cache.keep_invalid(key, allow_expired, asked_at);
                Ok(Verdict::Invalid)
            }
        }
    }
}
