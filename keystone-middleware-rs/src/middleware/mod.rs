mod extract;
mod headers;
mod reject;

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use crate::{AuthError, AuthStatus, AuthTokenOptions, OptionsError, Validator};
use reject::Rejecter;

/// The middleware: lets requests with a valid token pass, with an
/// [`AuthContext`](crate::AuthContext) in their extensions.
///
/// Make it once, outside of the factory of `HttpServer`, and clone it into each worker's `App`:
/// clones share the cache.
#[derive(Clone)]
pub struct AuthToken {
    validator: Validator,
    rejecter: Rejecter,
}

impl AuthToken {
    /// The middleware for these options.
    ///
    /// # Errors
    /// [`OptionsError`]; Keystone is not asked yet.
    pub fn new(options: &AuthTokenOptions) -> Result<Self, OptionsError> {
        Ok(Self::with_validator(Validator::new(options)?))
    }

    /// The middleware around a validator that others use too.
    pub fn with_validator(validator: Validator) -> Self {
        let rejecter = Rejecter::new(validator.challenge());
        Self { validator, rejecter }
    }

    /// Writes the bodies of refusals. Status, `WWW-Authenticate` and `Retry-After` are set
    /// afterwards, whatever `render` sets. It must tell a client no more than the error's
    /// `Display`: sources are for the log.
    #[must_use]
    pub fn error_body<F>(mut self, render: F) -> Self
    where
        F: Fn(&AuthError, &HttpRequest) -> HttpResponse + Send + Sync + 'static,
    {
        self.rejecter = self.rejecter.rendering(Arc::new(render));
        self
    }

    /// The validator inside.
    pub const fn validator(&self) -> &Validator {
        &self.validator
    }
}

impl<S, B> Transform<S, ServiceRequest> for AuthToken
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = AuthTokenService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AuthTokenService { service: Rc::new(service), shared: self.clone() }))
    }
}

/// [`AuthToken`] around one worker's application.
pub struct AuthTokenService<S> {
    service: Rc<S>,
    shared: AuthToken,
}

impl<S, B> Service<ServiceRequest> for AuthTokenService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let service = Rc::clone(&self.service);
        let AuthToken { validator, rejecter } = self.shared.clone();
        Box::pin(async move {
            headers::strip_claims(request.headers_mut());
            let authenticated = match headers::presented(request.request()) {
                Ok(presented) => validator.authenticate(presented).await,
                Err(error) => Err(error),
            };
            request.extensions_mut().insert(rejecter.clone());
            match authenticated {
                Ok(context) => {
                    request.extensions_mut().insert(AuthStatus::Confirmed);
                    request.extensions_mut().insert(context);
                }
                Err(error) if validator.delays_decision() && error.status() == 401 => {
                    let status = match error {
                        AuthError::Missing => AuthStatus::Missing,
                        _ => AuthStatus::Invalid,
                    };
                    request.extensions_mut().insert(status);
                }
                Err(error) => {
                    tracing::debug!(path = request.path(), %error, "request refused");
                    let (request, _) = request.into_parts();
                    let refusal = rejecter.reject(&error, &request);
                    return Ok(ServiceResponse::new(request, refusal.map_into_right_body()));
                }
            }
            let mut response = service.call(request).await?;
            if response.status().as_u16() == 401 {
                rejecter.challenge(response.headers_mut());
            }
            Ok(response.map_into_left_body())
        })
    }
}
