use actix_web::HttpResponse;
use firn_core::PointId;

use crate::handlers::refusals::{Refused, Unchanged};
use crate::handlers::{rule, tagged};
use crate::http::{Allow, ApiError, IfNoneMatch, PathId, Show};
use crate::wire::{PointBody, PointView};

rule!(
    /// May see a restore point.
    PointShowRule, "restore_points:show", Reader
);

/// Show a restore point.
#[utoipa::path(get, path = "/v1/restore-points/{id}", operation_id = "restore_points_show", tag = "restore-points",
    params(("id" = uuid::Uuid, Path), Show<PointView>),
    responses(
        (status = 200, description = "It", body = PointBody,
            headers(("ETag" = String, description = "Which state of it this is"))),
        Unchanged,
        Refused,
    ))]
pub(crate) async fn show(
    call: Allow<PointShowRule>,
    id: PathId<PointId>,
    show: Show<PointView>,
    unless: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let restore_point = call.point_show(id.0).await?;
    let tag = restore_point.tag();
    Ok(tagged(PointBody { restore_point }, &show.fields, &tag, Some(&unless)))
}
