use std::sync::Arc;

use crate::{Secret, TokenContext};

/// Who sends a request, once Keystone has said so. The middleware puts it into the request's
/// extensions; as a handler's argument it is the demand for a valid token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthContext {
    /// What Keystone says of `X-Auth-Token`.
    pub token: Arc<TokenContext>,
    /// What Keystone says of `X-Service-Token`, where one was sent and found valid.
    pub service_token: Option<Arc<TokenContext>>,
    /// Whether the service token carries one of the roles that make it that of a service.
    pub is_service_request: bool,
    /// The user's token, to act for them in other services.
    pub secret: Secret,
}

/// What became of a request's tokens, in the extensions of every request that passed the
/// middleware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStatus {
    /// There is an [`AuthContext`].
    Confirmed,
    /// No token, and `delay_auth_decision` is set.
    Missing,
    /// A token that does not let this request in, and `delay_auth_decision` is set.
    Invalid,
}

/// The tokens of a request, and what it asks for.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// `X-Auth-Token`.
    pub token: Option<&'a str>,
    /// `X-Service-Token`.
    pub service_token: Option<&'a str>,
    /// The HTTP method.
    pub method: &'a str,
    /// The path as it was sent, without the query.
    pub path: &'a str,
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented")
            .field("token", &self.token.is_some())
            .field("service_token", &self.service_token.is_some())
            .field("method", &self.method)
            .field("path", &self.path)
            .finish()
    }
}
