use actix_web::web::Json;
use firn_core::RestoreId;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathId, Query};
use crate::wire::RestoreBody;

rule!(
    /// May see a restore.
    RestoreShowRule, "restores:show", Project
);

/// Show a restore.
#[utoipa::path(get, path = "/v1/restores/{id}", operation_id = "restores_show", tag = "restores",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It", body = RestoreBody), Refused))]
pub(crate) async fn show(
    call: Allow<RestoreShowRule>,
    id: PathId<RestoreId>,
    _: Query<NoQuery>,
) -> Result<Json<RestoreBody>, ApiError> {
    Ok(Json(RestoreBody { restore: call.restore_show(id.0).await? }))
}
