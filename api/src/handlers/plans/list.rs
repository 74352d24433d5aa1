use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, written};
use crate::http::{Allow, ApiError, List};
use crate::wire::{PlanListBody, PlanQuery};

rule!(
    /// May list plans.
    PlanListRule, "plans:list", Reader, V1_1
);

/// List plans.
#[utoipa::path(get, path = "/v1/plans", operation_id = "plans_list", tag = "plans",
    params(List<PlanQuery>),
    responses((status = 200, description = "A page of plans", body = PlanListBody), Refused))]
pub(crate) async fn list(
    call: Allow<PlanListRule>,
    list: List<PlanQuery>,
) -> Result<HttpResponse, ApiError> {
    Ok(written(call.into_call().plan_list(list).await?))
}
