use actix_web::HttpResponse;
use firn_core::PlanId;

use crate::handlers::refusals::{ChangeRefused, Changed, Refused};
use crate::handlers::{rule, tagged};
use crate::http::{Allow, ApiError, Body, Fields, IfMatch, NoQuery, PathId, Query};
use crate::wire::{PlanBody, PlanPatchBody};

rule!(
    /// May change a plan.
    PlanUpdateRule, "plans:update", Member, V1_1
);

/// Change a plan.
#[utoipa::path(patch, path = "/v1/plans/{id}", operation_id = "plans_update", tag = "plans",
    params(("id" = uuid::Uuid, Path)),
    request_body = PlanPatchBody,
    responses(
        (status = 200, description = "As it is now", body = PlanBody,
            headers(("ETag" = String, description = "Which state of it this is"))),
        Refused,
        ChangeRefused,
        Changed,
    ))]
pub(crate) async fn update(
    call: Allow<PlanUpdateRule>,
    id: PathId<PlanId>,
    only: IfMatch,
    _: Query<NoQuery>,
    body: Body<PlanPatchBody>,
) -> Result<HttpResponse, ApiError> {
    let plan = call.plan_update(id.0, body.0.plan, &only).await?;
    let tag = plan.tag();
    Ok(tagged(PlanBody { plan }, &Fields::default(), &tag, None))
}
