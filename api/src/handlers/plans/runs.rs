use actix_web::web::Json;
use firn_core::PlanId;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, PathId, Query};
use crate::wire::{RunListBody, RunQuery};

rule!(
    /// May see when a plan ran.
    PlanRunsRule, "plans:runs", Reader, V1_1
);

/// List the runs of a plan, newest first.
#[utoipa::path(get, path = "/v1/plans/{id}/runs", operation_id = "plans_runs", tag = "plans",
    params(("id" = uuid::Uuid, Path), RunQuery),
    responses((status = 200, description = "A page of runs", body = RunListBody), Refused))]
pub(crate) async fn runs(
    call: Allow<PlanRunsRule>,
    id: PathId<PlanId>,
    query: Query<RunQuery>,
) -> Result<Json<RunListBody>, ApiError> {
    Ok(Json(call.plan_runs(id.0, query.0).await?.into()))
}
