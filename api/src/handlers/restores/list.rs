use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, written};
use crate::http::{Allow, ApiError, List};
use crate::wire::{RestoreListBody, RestoreQuery};

rule!(
    /// May list restores.
    RestoreListRule, "restores:list", Reader
);

/// List restores.
#[utoipa::path(get, path = "/v1/restores", operation_id = "restores_list", tag = "restores",
    params(List<RestoreQuery>),
    responses((status = 200, description = "A page of restores", body = RestoreListBody), Refused))]
pub(crate) async fn list(
    call: Allow<RestoreListRule>,
    list: List<RestoreQuery>,
) -> Result<HttpResponse, ApiError> {
    Ok(written(call.into_call().restore_list(list).await?))
}
