use actix_web::web::Json;
use firn_core::PointId;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathId, Query};
use crate::wire::PointBody;

rule!(
    /// May see a restore point.
    PointShowRule, "restore_points:show", Project
);

/// Show a restore point.
#[utoipa::path(get, path = "/v1/restore-points/{id}", operation_id = "restore_points_show", tag = "restore-points",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It", body = PointBody), Refused))]
pub(crate) async fn show(
    call: Allow<PointShowRule>,
    id: PathId<PointId>,
    _: Query<NoQuery>,
) -> Result<Json<PointBody>, ApiError> {
    Ok(Json(PointBody { restore_point: call.point_show(id.0).await? }))
}
