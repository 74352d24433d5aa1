use actix_web::HttpResponse;
use firn_core::PointId;

use crate::handlers::refusals::{ChangeRefused, Changed, Refused};
use crate::handlers::{rule, tagged};
use crate::http::{Allow, ApiError, Body, Fields, IfMatch, NoQuery, PathId, Query};
use crate::wire::{PointBody, PointPatchBody};

rule!(
    /// May change the name or the note of a restore point.
    PointUpdateRule, "restore_points:update", Member
);

/// Change the name or the note of a restore point.
#[utoipa::path(patch, path = "/v1/restore-points/{id}", operation_id = "restore_points_update", tag = "restore-points",
    params(("id" = uuid::Uuid, Path)),
    request_body = PointPatchBody,
    responses(
        (status = 200, description = "As it is now", body = PointBody,
            headers(("ETag" = String, description = "Which state of it this is"))),
        Refused,
        ChangeRefused,
        Changed,
    ))]
pub(crate) async fn update(
    call: Allow<PointUpdateRule>,
    id: PathId<PointId>,
    only: IfMatch,
    _: Query<NoQuery>,
    body: Body<PointPatchBody>,
) -> Result<HttpResponse, ApiError> {
    let restore_point = call.point_update(id.0, body.0.restore_point, only).await?;
    let tag = restore_point.tag();
    Ok(tagged(PointBody { restore_point }, &Fields::default(), &tag, None))
}
