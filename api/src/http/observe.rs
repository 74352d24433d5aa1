use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, VARY};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use futures_util::FutureExt;
use tracing::Instrument;

use super::problem::{respond, respond_status};
use super::{ApiError, Cors, Microversion, RequestId, RequestIds, VERSION_HEADER};
use crate::service::Service;

/// Request id, in and out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// Around every request: gives it its id, turns errors and panics into bodies, logs and counts.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let ids = RequestIds { local: RequestId::new(), global: global_id(request.headers()) };
    let method = request.method().clone();
    let path = request.path().to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = %ids.local,
        global_request_id = ids.global.map(tracing::field::display),
        // Known once the caller is admitted.
        user_id = tracing::field::Empty,
        project_id = tracing::field::Empty,
    );
    request.extensions_mut().insert(ids);
    let service = request.app_data::<web::Data<Service>>().cloned();
    let cors = service.as_ref().and_then(|s| Cors::new(&s.config.cors, request.headers()));
    let preflight = cors.as_ref().and_then(|cors| cors.preflight(&method, request.headers()));

    let answer = async move {
        match preflight {
            Some(answer) => Ok(request.into_response(answer)),
            None => next.call(request).await,
        }
    };
    let answered = AssertUnwindSafe(answer).catch_unwind().instrument(span.clone()).await;
    let _entered = span.entered();
    let answered = match answered {
        Ok(Ok(response)) => {
            let mut response = finish(response, &ids.local);
            if let Some(cors) = &cors {
                cors.apply(response.headers_mut());
            }
            Ok(response)
        }
        Ok(Err(error)) => {
            tracing::error!(error = %error, "a request failed outside its handler");
            Err(Broken(ids.local))
        }
        Err(panic) => {
            tracing::error!(panic = panic_text(panic.as_ref()), "a request panicked");
            Err(Broken(ids.local))
        }
    };
    let status = match &answered {
        Ok(response) => response.status(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!(%method, path, status = status.as_u16(), seconds, "answered");
    if let Some(service) = service {
        let route = answered.as_ref().ok().and_then(|answer| answer.request().match_pattern());
        service.metrics.http(&method, route.as_deref(), status, started.elapsed());
    }
    answered.map_err(Error::from)
}

/// The client's id, if it is one; anything else is not even logged.
fn global_id(headers: &HeaderMap) -> Option<RequestId> {
    headers.get(REQUEST_ID)?.to_str().ok()?.parse().ok()
}

fn finish(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let failed = response.response().error();
    let body = match failed.map(|error| (error, error.as_error::<ApiError>())) {
        Some((_, Some(error))) => {
            log(error);
            Some(respond(error, id))
        }
        Some((error, None)) => {
            tracing::warn!(%error, "refused by the framework");
            Some(respond_status(status, id))
        }
        // Every error of ours carries its cause; this one has none, so it is the framework's.
        None if status.is_client_error() || status.is_server_error() => {
            Some(respond_status(status, id))
        }
        None => None,
    };
    let mut response = match body {
        Some(body) => response.into_response(body),
        None => response,
    };
    stamp(response.headers_mut(), id);
    // Where a version was settled, the answer depends on it.
    let version = response.request().extensions().get::<Microversion>().copied();
    let headers = response.headers_mut();
    if let Some(version) = version.and_then(Microversion::header) {
        headers.insert(VERSION_HEADER, version);
        headers.append(VARY, HeaderValue::from_static("OpenStack-API-Version"));
    } else if status == StatusCode::NOT_ACCEPTABLE {
        headers.append(VARY, HeaderValue::from_static("OpenStack-API-Version"));
    }
    response
}

/// Logs an error once, with its causes: here it is handled.
fn log(error: &ApiError) {
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push_str(": ");
        causes.push_str(&error.to_string());
        cause = error.source();
    }
    match error.status().is_server_error() {
        true => tracing::error!("{error}{causes}"),
        false => tracing::info!("refused: {error}{causes}"),
    }
}

fn stamp(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// A request that ended without a response of its own.
#[derive(Debug)]
struct Broken(RequestId);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {} broke off", self.0)
    }
}

impl ResponseError for Broken {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = respond_status(StatusCode::INTERNAL_SERVER_ERROR, &self.0);
        stamp(response.headers_mut(), &self.0);
        response
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, web};

    use super::*;

    async fn panicking() -> HttpResponse {
        panic!("the secret of the engine room");
    }

    #[actix_web::test]
    async fn a_panic_is_a_500_with_an_id_and_no_more() {
        let app = App::new().wrap(from_fn(observe)).route("/", web::get().to(panicking));
        let app = init_service(app).await;
        let error = try_call_service(&app, TestRequest::get().to_request()).await.unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let id = response.headers().get(REQUEST_ID).unwrap().to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body()).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(&id) && !body.contains("secret"), "{body}");
    }
}
