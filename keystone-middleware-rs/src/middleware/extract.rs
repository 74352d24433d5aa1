use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::reject::{Rejecter, default_body};
use crate::{AuthContext, AuthError, AuthStatus};

/// Refused with 401 where the request has no valid token, which only `delay_auth_decision` lets
/// come this far, or where the middleware is not there at all. Take an `Option<AuthContext>` to
/// decide yourself.
impl FromRequest for AuthContext {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        if let Some(context) = extensions.get::<Self>() {
            return ready(Ok(context.clone()));
        }
        let error = match extensions.get::<AuthStatus>() {
            Some(AuthStatus::Invalid) => AuthError::InvalidToken,
            _ => AuthError::Missing,
        };
        let rejecter = extensions.get::<Rejecter>().cloned();
        // The renderer may want the extensions.
        drop(extensions);
        let response = match rejecter {
            Some(rejecter) => rejecter.reject(&error, request),
            None => default_body(&error),
        };
        ready(Err(InternalError::from_response(error, response).into()))
    }
}
