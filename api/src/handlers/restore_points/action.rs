use actix_web::HttpResponse;
use firn_core::PointId;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::{accepted, rule};
use crate::http::{Allow, ApiError, Body, NoQuery, PathId, Query};
use crate::wire::{PointActionBody, PointBody};

rule!(
    /// May verify a restore point.
    PointVerifyRule, "restore_points:verify", Member
);

/// Verify a restore point.
#[utoipa::path(post, path = "/v1/restore-points/{id}/action", operation_id = "restore_points_action", tag = "restore-points",
    params(("id" = uuid::Uuid, Path)),
    request_body = PointActionBody,
    responses(
        (status = 202, description = "Accepted; a job does it", body = PointBody,
            headers(("Location" = String, description = "Where to look")),),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn action(
    call: Allow<PointVerifyRule>,
    id: PathId<PointId>,
    _: Query<NoQuery>,
    body: Body<PointActionBody>,
) -> Result<HttpResponse, ApiError> {
    let restore_point = call.point_verify(id.0, body.0.verify).await?;
    let location = call.link_to(&format!("/v1/restore-points/{}", restore_point.id));
    Ok(accepted(location, PointBody { restore_point }))
}
