use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, List};
use crate::wire::{ServiceListBody, ServiceQuery};

rule!(
    /// May list services.
    ServiceListRule, "services:list", Admin
);

/// List services.
#[utoipa::path(get, path = "/v1/services", operation_id = "services_list", tag = "services",
    params(List<ServiceQuery>),
    responses((status = 200, description = "A page of services", body = ServiceListBody), Refused))]
pub(crate) async fn list(
    call: Allow<ServiceListRule>,
    list: List<ServiceQuery>,
) -> Result<HttpResponse, ApiError> {
    let listed = call.service_list(&list).await?;
    Ok(shown(ServiceListBody::from(listed), &list.fields))
}
