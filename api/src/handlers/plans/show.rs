use actix_web::HttpResponse;
use firn_core::PlanId;

use crate::handlers::refusals::{Refused, Unchanged};
use crate::handlers::{rule, tagged};
use crate::http::{Allow, ApiError, IfNoneMatch, PathId, Show};
use crate::wire::{PlanBody, PlanView};

rule!(
    /// May see a plan.
    PlanShowRule, "plans:show", Reader, V1_1
);

/// Show a plan.
#[utoipa::path(get, path = "/v1/plans/{id}", operation_id = "plans_show", tag = "plans",
    params(("id" = uuid::Uuid, Path), Show<PlanView>),
    responses(
        (status = 200, description = "It", body = PlanBody,
            headers(("ETag" = String, description = "Which state of it this is"))),
        Unchanged,
        Refused,
    ))]
pub(crate) async fn show(
    call: Allow<PlanShowRule>,
    id: PathId<PlanId>,
    show: Show<PlanView>,
    unless: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let plan = call.plan_show(id.0).await?;
    let tag = plan.tag();
    Ok(tagged(PlanBody { plan }, &show.fields, &tag, Some(&unless)))
}
