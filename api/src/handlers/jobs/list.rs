use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, written};
use crate::http::{Allow, ApiError, List};
use crate::wire::{JobListBody, JobQuery};

rule!(
    /// May list jobs.
    JobListRule, "jobs:list", Reader
);

/// List jobs.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "jobs_list", tag = "jobs",
    params(List<JobQuery>),
    responses((status = 200, description = "A page of jobs", body = JobListBody), Refused))]
pub(crate) async fn list(
    call: Allow<JobListRule>,
    list: List<JobQuery>,
) -> Result<HttpResponse, ApiError> {
    Ok(written(call.into_call().job_list(list).await?))
}
