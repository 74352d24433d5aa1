use actix_web::HttpResponse;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::{accepted, rule};
use crate::http::{Allow, ApiError, Body, NoQuery, Query};
use crate::wire::{RestoreBody, RestoreCreateBody};

rule!(
    /// May restore from a restore point.
    RestoreCreateRule, "restores:create", Member
);

/// Restore from a restore point.
#[utoipa::path(post, path = "/v1/restores", operation_id = "restores_create", tag = "restores",
    request_body = RestoreCreateBody,
    responses(
        (status = 202, description = "Accepted; a job does it", body = RestoreBody,
            headers(("Location" = String, description = "Where to look")),),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn create(
    call: Allow<RestoreCreateRule>,
    _: Query<NoQuery>,
    body: Body<RestoreCreateBody>,
) -> Result<HttpResponse, ApiError> {
    let restore = call.restore_create(body.0.restore).await?;
    let location = call.link_to(&format!("/v1/restores/{}", restore.id));
    Ok(accepted(location, RestoreBody { restore }))
}
