use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::AuthError;

type Render = Arc<dyn Fn(&AuthError, &HttpRequest) -> HttpResponse + Send + Sync>;

/// Turns refusals into answers.
#[derive(Clone)]
pub(super) struct Rejecter {
    challenge: Option<HeaderValue>,
    render: Render,
}

impl Rejecter {
    pub(super) fn new(challenge: String) -> Self {
        Self {
            challenge: HeaderValue::try_from(challenge).ok(),
            render: Arc::new(|error, _| default_body(error)),
        }
    }

    pub(super) fn rendering(self, render: Render) -> Self {
        Self { render, ..self }
    }

    pub(super) fn reject(&self, error: &AuthError, request: &HttpRequest) -> HttpResponse {
        let mut response = (self.render)(error, request);
        *response.status_mut() = status(error);
        match error {
            AuthError::Unavailable { retry_after, .. } => {
                let seconds = retry_after.as_secs().max(1);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => self.challenge(response.headers_mut()),
        }
        response
    }

    /// Says where tokens are made, unless the answer says so already.
    pub(super) fn challenge(&self, headers: &mut HeaderMap) {
        if let Some(challenge) = &self.challenge
            && !headers.contains_key(WWW_AUTHENTICATE)
        {
            headers.insert(WWW_AUTHENTICATE, challenge.clone());
        }
    }
}

fn status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNAUTHORIZED,
    }
}

/// What the Python middleware answers.
pub(super) fn default_body(error: &AuthError) -> HttpResponse {
    let (title, message) = match error {
        AuthError::Unavailable { .. } => {
            ("Service Unavailable", "The identity service does not answer. Try again later.")
        }
        _ => ("Unauthorized", "The request you have made requires authentication."),
    };
    let status = status(error);
    let body = json!({"error": {"code": status.as_u16(), "title": title, "message": message}});
    HttpResponse::build(status).json(body)
}
