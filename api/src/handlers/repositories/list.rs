use actix_web::web::Json;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, Query};
use crate::wire::RepositoryListBody;

rule!(
    /// May list repositories.
    RepositoryListRule, "repositories:list", Admin
);

/// List repositories.
#[utoipa::path(get, path = "/v1/repositories", operation_id = "repositories_list", tag = "repositories",
    responses((status = 200, description = "All repositories", body = RepositoryListBody), Refused))]
pub(crate) async fn list(
    call: Allow<RepositoryListRule>,
    _: Query<NoQuery>,
) -> Result<Json<RepositoryListBody>, ApiError> {
    Ok(Json(RepositoryListBody { repositories: call.repository_list().await? }))
}
