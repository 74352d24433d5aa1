use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, written};
use crate::http::{Allow, ApiError, List};
use crate::wire::{PointListBody, PointQuery};

rule!(
    /// May list restore points.
    PointListRule, "restore_points:list", Reader
);

/// List restore points.
#[utoipa::path(get, path = "/v1/restore-points", operation_id = "restore_points_list", tag = "restore-points",
    params(List<PointQuery>),
    responses((status = 200, description = "A page of restore points", body = PointListBody), Refused))]
pub(crate) async fn list(
    call: Allow<PointListRule>,
    list: List<PointQuery>,
) -> Result<HttpResponse, ApiError> {
    Ok(written(call.into_call().point_list(list).await?))
}
