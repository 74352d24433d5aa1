use actix_web::web::{Data, Json};

use crate::handlers::refusals::Refused;
use crate::http::{ApiError, NoQuery, Query};
use crate::service::Service;
use crate::wire::Health;

/// Whether the service can answer: it runs and reaches its database.
#[utoipa::path(get, path = "/healthcheck", operation_id = "healthcheck", tag = "system",
    security(()),
    responses((status = 200, description = "It can", body = Health), Refused))]
pub(crate) async fn healthcheck(
    service: Data<Service>,
    _: Query<NoQuery>,
) -> Result<Json<Health>, ApiError> {
    service.reach_database().await?;
    Ok(Json(Health { status: "ok" }))
}
