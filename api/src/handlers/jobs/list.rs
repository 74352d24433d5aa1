use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Query};
use crate::wire::{JobListBody, JobQuery};

rule!(
    /// May list jobs.
    JobListRule, "jobs:list", Project
);

/// List jobs.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "jobs_list", tag = "jobs",
    params(JobQuery),
    responses((status = 200, description = "A page of jobs", body = JobListBody), Refused))]
pub(crate) async fn list(
    call: Allow<JobListRule>,
    query: Query<JobQuery>,
) -> Result<Json<JobListBody>, ApiError> {
    Ok(Json(call.job_list(query.0).await?.into()))
}
