use actix_web::HttpResponse;
use firn_core::JobId;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::{accepted, rule};
use crate::http::{Allow, ApiError, Body, NoQuery, PathId, Query};
use crate::wire::{JobActionBody, JobBody};

rule!(
    /// May cancel a job.
    JobCancelRule, "jobs:cancel", Member
);

/// Cancel a job.
#[utoipa::path(post, path = "/v1/jobs/{id}/action", operation_id = "jobs_action", tag = "jobs",
    params(("id" = uuid::Uuid, Path)),
    request_body = JobActionBody,
    responses(
        (status = 202, description = "Accepted; a job does it", body = JobBody,
            headers(("Location" = String, description = "Where to look")),),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn action(
    call: Allow<JobCancelRule>,
    id: PathId<JobId>,
    _: Query<NoQuery>,
    _: Body<JobActionBody>,
) -> Result<HttpResponse, ApiError> {
    let job = call.job_cancel(id.0).await?;
    let location = call.link_to(&format!("/v1/jobs/{}", job.job.id));
    Ok(accepted(location, JobBody { job }))
}
