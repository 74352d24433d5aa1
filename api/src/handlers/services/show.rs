use actix_web::HttpResponse;
use uuid::Uuid;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, PathId, Show};
use crate::wire::{ServiceBody, ServiceView};

rule!(
    /// May see a service.
    ServiceShowRule, "services:show", Admin, V1_1
);

/// Show a service.
#[utoipa::path(get, path = "/v1/services/{id}", operation_id = "services_show", tag = "services",
    params(("id" = uuid::Uuid, Path), Show<ServiceView>),
    responses((status = 200, description = "It", body = ServiceBody), Refused))]
pub(crate) async fn show(
    call: Allow<ServiceShowRule>,
    id: PathId<Uuid>,
    show: Show<ServiceView>,
) -> Result<HttpResponse, ApiError> {
    let service = call.service_show(id.0).await?;
    Ok(shown(ServiceBody { service }, &show.fields))
}
