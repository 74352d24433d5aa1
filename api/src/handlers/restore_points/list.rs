use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Query};
use crate::wire::{PointListBody, PointQuery};

rule!(
    /// May list restore points.
    PointListRule, "restore_points:list", Project
);

/// List restore points.
#[utoipa::path(get, path = "/v1/restore-points", operation_id = "restore_points_list", tag = "restore-points",
    params(PointQuery),
    responses((status = 200, description = "A page of restore points", body = PointListBody), Refused))]
pub(crate) async fn list(
    call: Allow<PointListRule>,
    query: Query<PointQuery>,
) -> Result<Json<PointListBody>, ApiError> {
    Ok(Json(call.point_list(query.0).await?.into()))
}
