use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, Query};
use crate::wire::ServiceListBody;

rule!(
    /// May list services.
    ServiceListRule, "services:list", Admin
);

/// List services.
#[utoipa::path(get, path = "/v1/services", operation_id = "services_list", tag = "services",
    responses((status = 200, description = "All services", body = ServiceListBody), Refused))]
pub(crate) async fn list(
    call: Allow<ServiceListRule>,
    _: Query<NoQuery>,
) -> Result<Json<ServiceListBody>, ApiError> {
    Ok(Json(ServiceListBody { services: call.service_list().await? }))
}
