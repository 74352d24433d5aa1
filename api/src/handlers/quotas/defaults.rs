use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathProject, Query};
use crate::wire::QuotaDefaultsBody;

rule!(
    /// May see what a project may have that has no limits of its own.
    QuotaDefaultsRule, "quotas:defaults", Reader, V1_1
);

/// Show what a project may have that has no limits of its own.
#[utoipa::path(get, path = "/v1/quotas/{project_id}/defaults", operation_id = "quotas_defaults", tag = "quotas",
    params(("project_id" = String, Path, description = "A project's id")),
    responses((status = 200, description = "The limits", body = QuotaDefaultsBody), Refused))]
pub(crate) async fn defaults(
    call: Allow<QuotaDefaultsRule>,
    project: PathProject,
    _: Query<NoQuery>,
) -> Result<Json<QuotaDefaultsBody>, ApiError> {
    Ok(Json(QuotaDefaultsBody { quota_defaults: call.quota_defaults(&project.0)? }))
}
