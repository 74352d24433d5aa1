use actix_web::HttpRequest;
use actix_web::web::{Data, Json};

use crate::handlers::refusals::Refused;
use crate::http::{ApiError, Links, NoQuery, Query};
use crate::service::Service;
use crate::wire::{Version, VersionBody, VersionsBody};

/// List the versions of the API.
#[utoipa::path(get, path = "/", operation_id = "versions", tag = "system", security(()),
    responses((status = 200, description = "All versions", body = VersionsBody), Refused))]
pub(crate) async fn versions(
    service: Data<Service>,
    request: HttpRequest,
    _: Query<NoQuery>,
) -> Result<Json<VersionsBody>, ApiError> {
    let links = Links::new(&service.config, &request);
    Ok(Json(VersionsBody { versions: vec![Version::v1(&links)] }))
}

/// Show version 1 of the API.
#[utoipa::path(get, path = "/v1", operation_id = "version_show", tag = "system", security(()),
    responses((status = 200, description = "The version", body = VersionBody), Refused))]
pub(crate) async fn version(
    service: Data<Service>,
    request: HttpRequest,
    _: Query<NoQuery>,
) -> Result<Json<VersionBody>, ApiError> {
    let links = Links::new(&service.config, &request);
    Ok(Json(VersionBody { version: Version::v1(&links) }))
}
