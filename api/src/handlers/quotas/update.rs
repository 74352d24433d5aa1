use actix_web::web::Json;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Body, NoQuery, PathProject, Query};
use crate::wire::{QuotaBody, QuotaUpdateBody};

rule!(
    /// May give a project limits of its own.
    QuotaUpdateRule, "quotas:update", Admin, V1_1
);

/// Give a project limits of its own.
#[utoipa::path(put, path = "/v1/quotas/{project_id}", operation_id = "quotas_update", tag = "quotas",
    params(("project_id" = String, Path, description = "A project's id")),
    request_body = QuotaUpdateBody,
    responses(
        (status = 200, description = "As it is now", body = QuotaBody,),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn update(
    call: Allow<QuotaUpdateRule>,
    project: PathProject,
    _: Query<NoQuery>,
    body: Body<QuotaUpdateBody>,
) -> Result<Json<QuotaBody>, ApiError> {
    Ok(Json(QuotaBody { quota: call.quota_update(project.0, body.0.quota).await? }))
}
