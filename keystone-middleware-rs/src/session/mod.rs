mod auth;
mod held;
mod request;

use std::fmt;
use std::sync::Arc;

use reqwest::Method;

pub use auth::{Auth, DomainRef, ProjectRef, Scope, UserRef};
pub use request::SessionRequest;

use crate::http::{Answer, Transport};
use crate::{HttpOptions, Interface, OptionsError, Secret, SessionError, TokenContext};
use held::{Held, Holder};

/// Where a session gets its tokens, and how it finds other services.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Keystone's URL, with or without `/v3`.
    pub auth_url: String,
    /// Who the session is.
    pub auth: Auth,
    /// The region whose endpoints are used; none: the first of the catalog.
    pub region_name: Option<String>,
    /// The interface of the endpoints that are used.
    pub interface: Interface,
    /// How they are reached.
    pub http: HttpOptions,
}

/// Requests to a cloud as one user: it gets a token, renews it before it ends, finds endpoints,
/// and sends a request again with a new token when the old one was revoked.
///
/// Cloning is cheap, and clones share token and connections. Nothing is sent before it is needed.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<Transport>,
    auth_url: String,
    region_name: Option<String>,
    interface: Interface,
    source: Source,
}

/// Where tokens come from.
enum Source {
    Auth(Arc<Holder>),
    /// One token as it is: never renewed, its catalog unknown.
    Fixed(Secret),
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("auth_url", &self.inner.auth_url).finish_non_exhaustive()
    }
}

impl Session {
    /// A session for these options.
    ///
    /// # Errors
    /// [`OptionsError`]; Keystone is not asked yet.
    pub fn new(options: SessionOptions) -> Result<Self, OptionsError> {
        let auth_url = versioned("auth_url", &options.auth_url)?;
        let transport = Arc::new(Transport::new(&options.http)?);
        let holder = Holder::new(Arc::clone(&transport), auth_url.clone(), options.auth);
        let inner = Inner {
            transport,
            auth_url,
            region_name: options.region_name,
            interface: options.interface,
            source: Source::Auth(Arc::new(holder)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A session of somebody else in the same cloud, over the same connections.
    pub fn with_auth(&self, auth: Auth) -> Self {
        let transport = Arc::clone(&self.inner.transport);
        let holder = Holder::new(transport, self.inner.auth_url.clone(), auth);
        self.with_source(Source::Auth(Arc::new(holder)))
    }

    /// A session that speaks with a token somebody else was given, as it is. It cannot renew it,
    /// and knows no catalog: endpoints are found by this session's, not by that one.
    pub fn with_token(&self, token: Secret) -> Self {
        self.with_source(Source::Fixed(token))
    }

    fn with_source(&self, source: Source) -> Self {
        let inner = Inner {
            transport: Arc::clone(&self.inner.transport),
            auth_url: self.inner.auth_url.clone(),
            region_name: self.inner.region_name.clone(),
            interface: self.inner.interface,
            source,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Who the session is; none where it only carries somebody's token.
    pub fn auth(&self) -> Option<&Auth> {
        match &self.inner.source {
            Source::Auth(holder) => Some(holder.auth()),
            Source::Fixed(_) => None,
        }
    }

    /// Keystone's URL, `…/v3`.
    pub fn auth_url(&self) -> &str {
        &self.inner.auth_url
    }

    /// A token good for now: the one at hand, or a new one shortly before that ends. Callers that
    /// ask at the same time wait for one answer.
    ///
    /// # Errors
    /// [`SessionError::Refused`] when Keystone gives none, and what keeps it from answering.
    pub async fn token(&self) -> Result<Secret, SessionError> {
        match &self.inner.source {
            Source::Auth(holder) => Ok(holder.hold().await?.token.clone()),
            Source::Fixed(token) => Ok(token.clone()),
        }
    }

    /// What the session's own token says: user, scope, roles, catalog. A session that only
    /// carries somebody's token does not know.
    ///
    /// # Errors
    /// As [`Session::token`], and [`SessionError::Request`] for a carried token.
    pub async fn context(&self) -> Result<Arc<TokenContext>, SessionError> {
        Ok(Arc::clone(&self.held().await?.context))
    }

    async fn held(&self) -> Result<Arc<Held>, SessionError> {
        match &self.inner.source {
            Source::Auth(holder) => holder.hold().await,
            Source::Fixed(_) => {
                let reason = "a session that carries a token knows no catalog".to_owned();
                Err(SessionError::Request { reason })
            }
        }
    }

    /// Forgets the token if it is the one at hand, so that the next request gets a new one.
    pub fn forget(&self, token: &Secret) {
        if let Source::Auth(holder) = &self.inner.source {
            holder.forget(token);
        }
    }

    /// The base URL of a service in the session's catalog, in the session's region and interface.
    ///
    /// # Errors
    /// [`SessionError::NoEndpoint`], and as [`Session::context`].
    pub async fn endpoint(&self, service_type: &str) -> Result<String, SessionError> {
        let Inner { interface, region_name, .. } = &*self.inner;
        self.endpoint_in(service_type, *interface, region_name.as_deref()).await
    }

    /// The base URL of a service in the session's catalog.
    ///
    /// # Errors
    /// [`SessionError::NoEndpoint`], and as [`Session::context`].
    pub async fn endpoint_in(
        &self,
        service_type: &str,
        interface: Interface,
        region: Option<&str>,
    ) -> Result<String, SessionError> {
        let context = self.context().await?;
        let found = context.catalog.endpoint(service_type, interface, region);
        found.map(|endpoint| endpoint.url.clone()).ok_or_else(|| SessionError::NoEndpoint {
            service_type: service_type.to_owned(),
            interface,
            region: region.map(str::to_owned),
        })
    }

    /// Keystone's URL, `…/v3`: what the catalog says for the session's interface and region, else
    /// `auth_url`.
    ///
    /// # Errors
    /// As [`Session::token`].
    pub async fn identity_url(&self) -> Result<String, SessionError> {
        if let Source::Fixed(_) = self.inner.source {
            return Ok(self.inner.auth_url.clone());
        }
        let found = match self.endpoint("identity").await {
            Ok(url) => versioned("identity endpoint", &url).ok(),
            Err(SessionError::NoEndpoint { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(found.unwrap_or_else(|| self.inner.auth_url.clone()))
    }

    /// A request with the session's token, to an absolute URL.
    pub fn request(&self, method: Method, url: &str) -> SessionRequest {
        SessionRequest::new(self.clone(), method, url)
    }

    /// Sends `call`, and once more with a new token when the answer is 401.
    pub(crate) async fn send(&self, mut call: crate::http::Call) -> Result<Answer, SessionError> {
        let token = self.token().await?;
        request::set_token(&mut call.headers, &token)?;
        let answer = self.inner.transport.send(&call).await?;
        if answer.status() != 401 || matches!(self.inner.source, Source::Fixed(_)) {
            return Ok(answer);
        }
        tracing::debug!(url = answer.url(), "the session's token was refused, renewing it");
        self.forget(&token);
        request::set_token(&mut call.headers, &self.token().await?)?;
        self.inner.transport.send(&call).await
    }

    fn timeout(&self) -> std::time::Duration {
        self.inner.transport.timeout
    }
}

/// `http://keystone:5000`, `…/v3/` and `…/v2.0` alike become `…/v3`.
pub(crate) fn versioned(option: &'static str, url: &str) -> Result<String, OptionsError> {
    let expected = "a URL such as https://keystone.example.org:5000/v3";
    let wrong = || OptionsError::Value { option, given: url.to_owned(), expected };
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() {
        return Err(wrong());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        let given = "a URL with a user or a password".to_owned();
        return Err(OptionsError::Value { option, given, expected });
    }
    let base = url.trim_end_matches('/');
    let base = base.strip_suffix("/v3").or_else(|| base.strip_suffix("/v2.0")).unwrap_or(base);
    Ok(format!("{}/v3", base.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_form_of_the_auth_url_leads_to_v3() {
        for given in [
            "http://k:5000",
            "http://k:5000/",
            "http://k:5000/v3",
            "http://k:5000/v3/",
            "http://k:5000/v2.0",
        ] {
            assert_eq!(versioned("auth_url", given).unwrap(), "http://k:5000/v3", "{given}");
        }
        assert_eq!(versioned("auth_url", "https://h/identity").unwrap(), "https://h/identity/v3");
        for given in ["", "keystone", "ftp://k", "http://k/v3?x=1"] {
            assert!(versioned("auth_url", given).is_err(), "{given}");
        }
        let error = versioned("auth_url", "http://u:hunter2@k/v3").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
