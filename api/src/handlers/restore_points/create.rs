use actix_web::HttpResponse;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::{accepted, rule};
use crate::http::{Allow, ApiError, Body, NoQuery, Query};
use crate::wire::{PointBody, PointCreateBody};

rule!(
    /// May back an instance up.
    PointCreateRule, "restore_points:create", Member
);

/// Back an instance up.
#[utoipa::path(post, path = "/v1/restore-points", operation_id = "restore_points_create", tag = "restore-points",
    request_body = PointCreateBody,
    responses(
        (status = 202, description = "Accepted; a job does it", body = PointBody,
            headers(("Location" = String, description = "Where to look")),),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn create(
    call: Allow<PointCreateRule>,
    _: Query<NoQuery>,
    body: Body<PointCreateBody>,
) -> Result<HttpResponse, ApiError> {
    let restore_point = call.point_create(body.0.restore_point).await?;
    let location = call.link_to(&format!("/v1/restore-points/{}", restore_point.id));
    Ok(accepted(location, PointBody { restore_point }))
}
