use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;

use crate::handlers::refusals::Refused;
use crate::http::{ApiError, NoQuery, Query};
use crate::openapi;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "system",
    security(()),
    responses((status = 200, description = "It", body = serde_json::Value), Refused))]
pub(crate) async fn openapi(_: Query<NoQuery>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(DOCUMENT.as_str()))
}
