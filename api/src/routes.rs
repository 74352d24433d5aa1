//! The one table of routes: what is served, and what the OpenAPI document is made from.

use std::collections::BTreeMap;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};

use crate::handlers::{instances, jobs, repositories, restore_points, restores, services, system};
use crate::http::ApiError;

/// Hands the table to another macro: `method path => handler`. The method and path of each
/// handler's own `utoipa::path` are the same; a test compares.
macro_rules! route_table {
    ($with:ident) => {
        $with! {
            get "/" => system::versions,
            get "/v1" => system::version,
            get "/healthcheck" => system::healthcheck,
            get "/metrics" => system::metrics,
            get "/openapi.json" => system::openapi,
            get "/v1/instances" => instances::list,
            get "/v1/instances/{id}" => instances::show,
            get "/v1/restore-points" => restore_points::list,
            post "/v1/restore-points" => restore_points::create,
            get "/v1/restore-points/{id}" => restore_points::show,
            patch "/v1/restore-points/{id}" => restore_points::update,
            delete "/v1/restore-points/{id}" => restore_points::delete,
            post "/v1/restore-points/{id}/action" => restore_points::action,
            get "/v1/restores" => restores::list,
            post "/v1/restores" => restores::create,
            get "/v1/restores/{id}" => restores::show,
            get "/v1/jobs" => jobs::list,
            get "/v1/jobs/{id}" => jobs::show,
            get "/v1/jobs/{id}/events" => jobs::events,
            post "/v1/jobs/{id}/action" => jobs::action,
            get "/v1/repositories" => repositories::list,
            get "/v1/repositories/{id}" => repositories::show,
            get "/v1/services" => services::list,
        }
    };
}
pub(crate) use route_table;

macro_rules! served {
    ($($method:ident $path:literal => $module:ident :: $handler:ident),+ $(,)?) => {
        vec![$((
            $path,
            stringify!($method).to_ascii_uppercase(),
            web::$method().to($module::$handler),
        )),+]
    };
}

fn table() -> Vec<(&'static str, String, Route)> {
    route_table!(served)
}

/// Every route, as (path, method), sorted.
pub fn routes() -> Vec<(String, String)> {
    let mut routes: Vec<_> =
        table().into_iter().map(|(path, method, _)| (path.to_owned(), method)).collect();
    routes.sort_unstable();
    routes
}

/// The methods of each path.
fn methods() -> BTreeMap<&'static str, Vec<String>> {
    let mut methods: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, method, _) in table() {
        methods.entry(path).or_default().push(method);
    }
    methods
}

/// Registers every route; a known path answers other methods with 405.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let mut resources: BTreeMap<_, _> = methods()
        .into_iter()
        .map(|(path, methods)| (path, refuse_others(path, methods.join(", "))))
        .collect();
    for (path, _, route) in table() {
        if let Some(resource) = resources.remove(path) {
            resources.insert(path, resource.route(route));
        }
    }
    for resource in resources.into_values() {
        config.service(resource);
    }
}

fn refuse_others(path: &'static str, allow: String) -> actix_web::Resource {
    web::resource(path).default_service(web::to(move || {
        let allow = allow.clone();
        async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) }
    }))
}
