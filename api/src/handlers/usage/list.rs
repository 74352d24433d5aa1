use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Query};
use crate::wire::{UsageListBody, UsageQuery};

rule!(
    /// May see what a project has.
    UsageListRule, "usage:list", Reader, V1_1
);

/// Show what the project has, or what each project has.
#[utoipa::path(get, path = "/v1/usage", operation_id = "usage_list", tag = "usage",
    params(UsageQuery),
    responses((status = 200, description = "One entry a project", body = UsageListBody), Refused))]
pub(crate) async fn list(
    call: Allow<UsageListRule>,
    query: Query<UsageQuery>,
) -> Result<Json<UsageListBody>, ApiError> {
    Ok(Json(call.usage_list(query.0).await?.into()))
}
