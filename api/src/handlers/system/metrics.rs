use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, Query};

rule!(
    /// May read the figures of the whole service.
    MetricsRule, "metrics:show", Admin
);

/// Figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "system",
    responses(
        (status = 200, description = "The figures", body = String, content_type = "text/plain"),
        Refused,
    ))]
pub(crate) async fn metrics(
    call: Allow<MetricsRule>,
    _: Query<NoQuery>,
) -> Result<HttpResponse, ApiError> {
    let text = call.metrics_text().await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}
