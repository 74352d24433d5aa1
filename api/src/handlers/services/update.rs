use actix_web::web::Json;
use uuid::Uuid;

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Body, NoQuery, PathId, Query};
use crate::wire::{ServiceBody, ServicePatchBody};

rule!(
    /// May disable and enable a service.
    ServiceUpdateRule, "services:update", Admin, V1_1
);

/// Disable or enable a service.
#[utoipa::path(patch, path = "/v1/services/{id}", operation_id = "services_update", tag = "services",
    params(("id" = uuid::Uuid, Path)),
    request_body = ServicePatchBody,
    responses(
        (status = 200, description = "As it is now", body = ServiceBody,),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn update(
    call: Allow<ServiceUpdateRule>,
    id: PathId<Uuid>,
    _: Query<NoQuery>,
    body: Body<ServicePatchBody>,
) -> Result<Json<ServiceBody>, ApiError> {
    Ok(Json(ServiceBody { service: call.service_update(id.0, body.0.service).await? }))
}
