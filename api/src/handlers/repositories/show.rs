use actix_web::web::Json;
use firn_core::RepositoryId;

use crate::handlers::refusals::Refused;
use crate::handlers::rule;
use crate::http::{Allow, ApiError, NoQuery, PathId, Query};
use crate::wire::RepositoryBody;

rule!(
    /// May see a repository.
    RepositoryShowRule, "repositories:show", Admin
);

/// Show a repository.
#[utoipa::path(get, path = "/v1/repositories/{id}", operation_id = "repositories_show", tag = "repositories",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "It", body = RepositoryBody), Refused))]
pub(crate) async fn show(
    call: Allow<RepositoryShowRule>,
    id: PathId<RepositoryId>,
    _: Query<NoQuery>,
) -> Result<Json<RepositoryBody>, ApiError> {
    Ok(Json(RepositoryBody { repository: call.repository_show(id.0).await? }))
}
