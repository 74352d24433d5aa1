use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Query};
use crate::wire::{InstanceListBody, InstanceQuery};

rule!(
    /// May list instances that can be protected.
    InstanceListRule, "instances:list", Project
);

/// List instances that can be protected.
#[utoipa::path(get, path = "/v1/instances", operation_id = "instances_list", tag = "instances",
    params(InstanceQuery),
    responses((status = 200, description = "A page of instances that can be protected", body = InstanceListBody), Refused))]
pub(crate) async fn list(
    call: Allow<InstanceListRule>,
    query: Query<InstanceQuery>,
) -> Result<Json<InstanceListBody>, ApiError> {
    Ok(Json(call.instance_list(query.0).await?.into()))
}
