use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathProject, Query};
use crate::wire::QuotaBody;

rule!(
    /// May see what a project may have.
    QuotaShowRule, "quotas:show", Reader, V1_1
);

/// Show what a project may have, and what it has of it.
#[utoipa::path(get, path = "/v1/quotas/{project_id}", operation_id = "quotas_show", tag = "quotas",
    params(("project_id" = String, Path, description = "A project's id")),
    responses((status = 200, description = "It", body = QuotaBody), Refused))]
pub(crate) async fn show(
    call: Allow<QuotaShowRule>,
    project: PathProject,
    _: Query<NoQuery>,
) -> Result<Json<QuotaBody>, ApiError> {
    Ok(Json(QuotaBody { quota: call.quota_show(project.0).await? }))
}
