use actix_web::HttpResponse;
use firn_core::PlanId;

use crate::handlers::refusals::{ChangeRefused, Changed, Refused};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, IfMatch, NoQuery, PathId, Query};

rule!(
    /// May delete a plan.
    PlanDeleteRule, "plans:delete", Member, V1_1
);

/// Delete a plan. Its restore points stay.
#[utoipa::path(delete, path = "/v1/plans/{id}", operation_id = "plans_delete", tag = "plans",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 204, description = "Gone"),
        Refused,
        ChangeRefused,
        Changed,
    ))]
pub(crate) async fn delete(
    call: Allow<PlanDeleteRule>,
    id: PathId<PlanId>,
    only: IfMatch,
    _: Query<NoQuery>,
) -> Result<HttpResponse, ApiError> {
    call.plan_delete(id.0, &only).await?;
    Ok(HttpResponse::NoContent().finish())
}
