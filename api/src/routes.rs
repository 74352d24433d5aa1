//! The one table of routes: what is served, and what the OpenAPI document is made from.

use std::collections::BTreeMap;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route, guard};

use crate::handlers::{
    agents, drivers, instances, jobs, repositories, restore_points, restores, services, system,
};
use crate::http::{ApiError, admit};

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
            get "/v1/services/{id}" => services::show,
            patch "/v1/services/{id}" => services::update,
            get "/v1/agents" => agents::list,
            get "/v1/agents/{id}" => agents::show,
            get "/v1/drivers" => drivers::list,
        }
    };
}
pub(crate) use route_table;

/// What everybody may ask, without a token and in no version.
pub(crate) const OPEN: [&str; 4] = ["/", "/v1", "/healthcheck", "/openapi.json"];

macro_rules! served {
    ($($method:ident $path:literal => $module:ident :: $handler:ident),+ $(,)?) => {
        vec![$((
            $path,
            stringify!($method),
            route(stringify!($method)).to($module::$handler),
        )),+]
    };
}

fn table() -> Vec<(&'static str, &'static str, Route)> {
    route_table!(served)
}

/// A route of that method. What can be asked with GET can be asked with HEAD, too.
fn route(method: &str) -> Route {
    match method {
        "get" => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        "put" => web::put(),
        "patch" => web::patch(),
        "delete" => web::delete(),
        _ => web::post(),
    }
}

/// Every route, as (path, method), sorted.
pub fn routes() -> Vec<(String, String)> {
    let mut routes = Vec::new();
    for (path, methods) in methods() {
        routes.extend(methods.into_iter().map(|method| (path.to_owned(), method)));
    }
    routes.sort_unstable();
    routes
}

/// The methods of each path.
fn methods() -> BTreeMap<&'static str, Vec<String>> {
    let mut methods: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (path, method, _) in table() {
        let methods = methods.entry(path).or_default();
        methods.push(method.to_ascii_uppercase());
        if method == "get" {
            methods.push("HEAD".to_owned());
        }
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
    for (path, resource) in resources {
        if OPEN.contains(&path) {
            config.service(resource);
        } else {
            config.service(resource.wrap(from_fn(admit)));
        }
    }
}

fn refuse_others(path: &'static str, allow: String) -> actix_web::Resource {
    web::resource(path).default_service(web::to(move || {
        let allow = allow.clone();
        async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) }
    }))
}
