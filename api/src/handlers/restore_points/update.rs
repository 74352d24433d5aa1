use actix_web::web::Json;
use firn_core::PointId;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Body, NoQuery, PathId, Query};
use crate::wire::{PointBody, PointPatchBody};

rule!(
    /// May change the name or the note of a restore point.
    PointUpdateRule, "restore_points:update", Project
);

/// Change the name or the note of a restore point.
#[utoipa::path(patch, path = "/v1/restore-points/{id}", operation_id = "restore_points_update", tag = "restore-points",
    params(("id" = uuid::Uuid, Path)),
    request_body = PointPatchBody,
    responses(
        (status = 200, description = "As it is now", body = PointBody,),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn update(
    call: Allow<PointUpdateRule>,
    id: PathId<PointId>,
    _: Query<NoQuery>,
    body: Body<PointPatchBody>,
) -> Result<Json<PointBody>, ApiError> {
    let restore_point = call.point_update(id.0, body.0.restore_point).await?;
    Ok(Json(PointBody { restore_point }))
}
