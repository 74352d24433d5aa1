use actix_web::HttpResponse;
use firn_core::PointId;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::{accepted, rule};
use crate::http::{Allow, ApiError, NoQuery, PathId, Query};
use crate::wire::PointBody;

rule!(
    /// May delete a restore point.
    PointDeleteRule, "restore_points:delete", Member
);

/// Delete a restore point.
#[utoipa::path(delete, path = "/v1/restore-points/{id}", operation_id = "restore_points_delete", tag = "restore-points",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 202, description = "Accepted; a job does it", body = PointBody,
            headers(("Location" = String, description = "Where to look")),),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn delete(
    call: Allow<PointDeleteRule>,
    id: PathId<PointId>,
    _: Query<NoQuery>,
) -> Result<HttpResponse, ApiError> {
    let restore_point = call.point_delete(id.0).await?;
    let location = call.link_to(&format!("/v1/restore-points/{}", restore_point.id));
    Ok(accepted(location, PointBody { restore_point }))
}
