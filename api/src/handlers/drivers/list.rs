use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, Query};
use crate::wire::DriverListBody;

rule!(
    /// May list storage drivers.
    DriverListRule, "drivers:list", Admin, V1_1
);

/// List the storage drivers of a conductor.
#[utoipa::path(get, path = "/v1/drivers", operation_id = "drivers_list", tag = "drivers",
    responses((status = 200, description = "All drivers", body = DriverListBody), Refused))]
pub(crate) async fn list(
    call: Allow<DriverListRule>,
    _: Query<NoQuery>,
) -> Result<Json<DriverListBody>, ApiError> {
    Ok(Json(DriverListBody { drivers: call.driver_list().await? }))
}
