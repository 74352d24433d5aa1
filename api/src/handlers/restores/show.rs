use actix_web::HttpResponse;
use firn_core::RestoreId;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, PathId, Show};
use crate::wire::{RestoreBody, RestoreView};

rule!(
    /// May see a restore.
    RestoreShowRule, "restores:show", Reader
);

/// Show a restore.
#[utoipa::path(get, path = "/v1/restores/{id}", operation_id = "restores_show", tag = "restores",
    params(("id" = uuid::Uuid, Path), Show<RestoreView>),
    responses((status = 200, description = "It", body = RestoreBody), Refused))]
pub(crate) async fn show(
    call: Allow<RestoreShowRule>,
    id: PathId<RestoreId>,
    show: Show<RestoreView>,
) -> Result<HttpResponse, ApiError> {
    let restore = call.restore_show(id.0).await?;
    Ok(shown(RestoreBody { restore }, &show.fields))
}
