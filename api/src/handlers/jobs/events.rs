use actix_web::web::Json;
use firn_core::JobId;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, PathId, Query};
use crate::wire::{EventListBody, EventQuery};

rule!(
    /// May read what a job told its user.
    JobEventsRule, "jobs:events", Reader
);

/// List what a job told its user, oldest first.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", operation_id = "jobs_events", tag = "jobs",
    params(("id" = uuid::Uuid, Path), EventQuery),
    responses((status = 200, description = "A page of events", body = EventListBody), Refused))]
pub(crate) async fn events(
    call: Allow<JobEventsRule>,
    id: PathId<JobId>,
    query: Query<EventQuery>,
) -> Result<Json<EventListBody>, ApiError> {
    Ok(Json(call.job_events(id.0, query.0).await?.into()))
}
