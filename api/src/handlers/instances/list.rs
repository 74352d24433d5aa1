use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, List};
use crate::wire::{InstanceListBody, InstanceQuery};

rule!(
    /// May list instances that can be protected.
    InstanceListRule, "instances:list", Reader
);

/// List instances that can be protected.
#[utoipa::path(get, path = "/v1/instances", operation_id = "instances_list", tag = "instances",
    params(List<InstanceQuery>),
    responses((status = 200, description = "A page of instances that can be protected", body = InstanceListBody), Refused))]
pub(crate) async fn list(
    call: Allow<InstanceListRule>,
    list: List<InstanceQuery>,
) -> Result<HttpResponse, ApiError> {
    let listed = call.instance_list(&list).await?;
    Ok(shown(InstanceListBody::from(listed), &list.fields))
}
