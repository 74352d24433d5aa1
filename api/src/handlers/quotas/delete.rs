use actix_web::HttpResponse;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathProject, Query};

rule!(
    /// May take a project's own limits away.
    QuotaDeleteRule, "quotas:delete", Admin, V1_1
);

/// Take a project's own limits away, so that the defaults count.
#[utoipa::path(delete, path = "/v1/quotas/{project_id}", operation_id = "quotas_delete", tag = "quotas",
    params(("project_id" = String, Path, description = "A project's id")),
    responses((status = 204, description = "Gone"), Refused, ChangeRefused))]
pub(crate) async fn delete(
    call: Allow<QuotaDeleteRule>,
    project: PathProject,
    _: Query<NoQuery>,
) -> Result<HttpResponse, ApiError> {
    call.quota_delete(project.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
