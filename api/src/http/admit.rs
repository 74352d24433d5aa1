use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use firn_core::ErrorKind;

use super::{ApiError, Caller, Microversion, RequestId, RequestIds};
use crate::service::Service;
use crate::{Credentials, IdentityError};

/// Before every handler that is not for everybody: settles the version and who is calling.
///
/// It runs before any part of the request is taken, so a stranger's body is never read.
pub(crate) async fn admit(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admitted(request.request()).await {
        Ok(()) => next.call(request).await,
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn admitted(request: &HttpRequest) -> Result<(), ApiError> {
    let version = Microversion::negotiate(request.headers())?;
    request.extensions_mut().insert(version);
    let service = service(request)?;
    let credentials = Credentials {
        token: header(request, "x-auth-token")?,
        service_token: header(request, "x-service-token")?,
        method: request.method().to_string(),
        path: request.path().to_owned(),
    };
    let principal =
        service.identity.authenticate(&credentials).await.map_err(|error| match error {
            IdentityError::Unauthorized => {
                ApiError::Unauthorized { challenge: service.identity.challenge() }
            }
            error @ IdentityError::NoProject => {
                ApiError::Refused { kind: error.kind(), message: error.to_string() }
            }
            error => ApiError::failed(error.kind(), "the caller could not be checked", error),
        })?;
    tracing::Span::current()
        .record("user_id", principal.user_id.as_str())
        .record("project_id", principal.project_id.0.as_str());
    let request_ids = request.extensions().get::<RequestIds>().copied();
    let request_ids = request_ids.unwrap_or(RequestIds { local: RequestId::new(), global: None });
    let caller = Caller { principal, credentials, request_ids };
    request.extensions_mut().insert(caller);
    Ok(())
}

/// What all calls share.
pub(super) fn service(request: &HttpRequest) -> Result<web::Data<Service>, ApiError> {
    request.app_data::<web::Data<Service>>().cloned().ok_or_else(|| {
        let cause = std::io::Error::other("no service in the application");
        ApiError::failed(ErrorKind::Internal, "the server is put together wrongly", cause)
    })
}

/// A header that may come once.
pub(super) fn header(
    request: &HttpRequest,
    name: &'static str,
) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::field(name, "may come only once"));
    }
    first
        .map(|value| value.to_str().map(str::to_owned))
        .transpose()
        .map_err(|_| ApiError::field(name, "holds something else than printable ASCII"))
}
