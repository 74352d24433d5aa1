use actix_web::web::Json;
use firn_core::InstanceId;

use crate::handlers::refusals::{Refused, Unusable};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathId, Query};
use crate::wire::InstanceBody;

rule!(
    /// May see an instance with its disks.
    InstanceShowRule, "instances:show", Project
);

/// Show an instance with its disks.
#[utoipa::path(get, path = "/v1/instances/{id}", operation_id = "instances_show", tag = "instances",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It", body = InstanceBody), Refused, Unusable))]
pub(crate) async fn show(
    call: Allow<InstanceShowRule>,
    id: PathId<InstanceId>,
    _: Query<NoQuery>,
) -> Result<Json<InstanceBody>, ApiError> {
    Ok(Json(InstanceBody { instance: call.instance_show(id.0).await? }))
}
