use actix_web::HttpResponse;
use firn_core::JobId;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, PathId, Show};
use crate::wire::{JobBody, JobView};

rule!(
    /// May see a job, with its progress and steps.
    JobShowRule, "jobs:show", Reader
);

/// Show a job, with its progress and steps.
#[utoipa::path(get, path = "/v1/jobs/{id}", operation_id = "jobs_show", tag = "jobs",
    params(("id" = uuid::Uuid, Path), Show<JobView>),
    responses((status = 200, description = "It", body = JobBody), Refused))]
pub(crate) async fn show(
    call: Allow<JobShowRule>,
    id: PathId<JobId>,
    show: Show<JobView>,
) -> Result<HttpResponse, ApiError> {
    let job = call.job_show(id.0).await?;
    Ok(shown(JobBody { job }, &show.fields))
}
