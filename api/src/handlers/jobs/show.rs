use actix_web::web::Json;
use firn_core::JobId;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathId, Query};
use crate::wire::JobBody;

rule!(
    /// May see a job, with its progress and steps.
    JobShowRule, "jobs:show", Project
);

/// Show a job, with its progress and steps.
#[utoipa::path(get, path = "/v1/jobs/{id}", operation_id = "jobs_show", tag = "jobs",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It", body = JobBody), Refused))]
pub(crate) async fn show(
    call: Allow<JobShowRule>,
    id: PathId<JobId>,
    _: Query<NoQuery>,
) -> Result<Json<JobBody>, ApiError> {
    Ok(Json(JobBody { job: call.job_show(id.0).await? }))
}
