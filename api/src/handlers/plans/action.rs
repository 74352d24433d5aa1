use actix_web::HttpResponse;
use firn_core::PlanId;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::{accepted, rule};
use crate::http::{Allow, ApiError, Body, NoQuery, PathId, Query};
use crate::wire::{PlanActionBody, PlanBody};

rule!(
    /// May run, pause and resume a plan.
    PlanActionRule, "plans:action", Member, V1_1
);

/// Run a plan now, pause it, or resume it.
#[utoipa::path(post, path = "/v1/plans/{id}/action", operation_id = "plans_action", tag = "plans",
    params(("id" = uuid::Uuid, Path)),
    request_body = PlanActionBody,
    responses(
        (status = 202, description = "Accepted", body = PlanBody,
            headers(("Location" = String, description = "Where to look")),),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn action(
    call: Allow<PlanActionRule>,
    id: PathId<PlanId>,
    _: Query<NoQuery>,
    body: Body<PlanActionBody>,
) -> Result<HttpResponse, ApiError> {
    let plan = call.plan_action(id.0, body.0).await?;
    let location = call.link_to(&format!("/v1/plans/{}", plan.id));
    Ok(accepted(location, PlanBody { plan }))
}
