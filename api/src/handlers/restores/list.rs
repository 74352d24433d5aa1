use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Query};
use crate::wire::{RestoreListBody, RestoreQuery};

rule!(
    /// May list restores.
    RestoreListRule, "restores:list", Project
);

/// List restores.
#[utoipa::path(get, path = "/v1/restores", operation_id = "restores_list", tag = "restores",
    params(RestoreQuery),
    responses((status = 200, description = "A page of restores", body = RestoreListBody), Refused))]
pub(crate) async fn list(
    call: Allow<RestoreListRule>,
    query: Query<RestoreQuery>,
) -> Result<Json<RestoreListBody>, ApiError> {
    Ok(Json(call.restore_list(query.0).await?.into()))
}
