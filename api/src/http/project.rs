use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use firn_core::ProjectId;

use super::ApiError;
use super::list::{PROJECT_MAX_CHARS, is_project_id};

/// The `{project_id}` of the path. What cannot be the id of a project names nothing: 404.
pub(crate) struct PathProject(pub(crate) ProjectId);

impl FromRequest for PathProject {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("project_id").unwrap_or_default();
        ready(match is_project_id(text) {
            true => Ok(Self(ProjectId(text.to_owned()))),
            false => {
                let short: String = text.chars().take(PROJECT_MAX_CHARS).collect();
                Err(ApiError::not_found("project", short))
            }
        })
    }
}
