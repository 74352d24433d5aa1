use actix_web::HttpResponse;
use firn_core::InstanceId;

use crate::handlers::refusals::{Refused, Unusable};
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, PathId, Show};
use crate::wire::{InstanceBody, InstanceView};

rule!(
    /// May see an instance with its disks.
    InstanceShowRule, "instances:show", Reader
);

/// Show an instance with its disks.
#[utoipa::path(get, path = "/v1/instances/{id}", operation_id = "instances_show", tag = "instances",
    params(("id" = uuid::Uuid, Path), Show<InstanceView>),
    responses((status = 200, description = "It", body = InstanceBody), Refused, Unusable))]
pub(crate) async fn show(
    call: Allow<InstanceShowRule>,
    id: PathId<InstanceId>,
    show: Show<InstanceView>,
) -> Result<HttpResponse, ApiError> {
    let instance = call.instance_show(id.0).await?;
    Ok(shown(InstanceBody { instance }, &show.fields))
}
