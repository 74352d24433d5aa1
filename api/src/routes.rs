//! The one table of routes: what is served, and what the OpenAPI document is made from.

use std::collections::BTreeMap;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route, guard};

use crate::handlers::{
    agents, drivers, instances, jobs, plans, quotas, repositories, restore_points, restores,
    services, system, usage,
};
use crate::http::{ApiError, Rule, admit};
use crate::policy::PolicyRule;
use oslo_policy::Operation;

/// Hands the table to another macro: `method path => handler [rule]`; without a rule everybody
/// may ask. The method and path of each
/// handler's own `utoipa::path` are the same; a test compares.
macro_rules! route_table {
    ($with:ident) => {
        $with! {
            get "/" => system::versions [],
            get "/v1" => system::version [],
            get "/healthcheck" => system::healthcheck [],
            get "/metrics" => system::metrics [MetricsRule],
            get "/openapi.json" => system::openapi [],
            get "/v1/instances" => instances::list [InstanceListRule],
            get "/v1/instances/{id}" => instances::show [InstanceShowRule],
            get "/v1/restore-points" => restore_points::list [PointListRule],
            post "/v1/restore-points" => restore_points::create [PointCreateRule],
            get "/v1/restore-points/{id}" => restore_points::show [PointShowRule],
            patch "/v1/restore-points/{id}" => restore_points::update [PointUpdateRule],
            delete "/v1/restore-points/{id}" => restore_points::delete [PointDeleteRule],
            post "/v1/restore-points/{id}/action" => restore_points::action [PointVerifyRule],
            get "/v1/restores" => restores::list [RestoreListRule],
            post "/v1/restores" => restores::create [RestoreCreateRule],
            get "/v1/restores/{id}" => restores::show [RestoreShowRule],
            get "/v1/jobs" => jobs::list [JobListRule],
            get "/v1/jobs/{id}" => jobs::show [JobShowRule],
            get "/v1/jobs/{id}/events" => jobs::events [JobEventsRule],
            post "/v1/jobs/{id}/action" => jobs::action [JobCancelRule],
            get "/v1/plans" => plans::list [PlanListRule],
            post "/v1/plans" => plans::create [PlanCreateRule],
            get "/v1/plans/{id}" => plans::show [PlanShowRule],
            patch "/v1/plans/{id}" => plans::update [PlanUpdateRule],
            delete "/v1/plans/{id}" => plans::delete [PlanDeleteRule],
            post "/v1/plans/{id}/action" => plans::action [PlanActionRule],
            get "/v1/plans/{id}/runs" => plans::runs [PlanRunsRule],
            get "/v1/usage" => usage::list [UsageListRule],
            get "/v1/quotas/{project_id}" => quotas::show [QuotaShowRule],
            put "/v1/quotas/{project_id}" => quotas::update [QuotaUpdateRule],
            delete "/v1/quotas/{project_id}" => quotas::delete [QuotaDeleteRule],
            get "/v1/quotas/{project_id}/defaults" => quotas::defaults [QuotaDefaultsRule],
            get "/v1/repositories" => repositories::list [RepositoryListRule],
            get "/v1/repositories/{id}" => repositories::show [RepositoryShowRule],
            get "/v1/services" => services::list [ServiceListRule],
            get "/v1/services/{id}" => services::show [ServiceShowRule],
            patch "/v1/services/{id}" => services::update [ServiceUpdateRule],
            get "/v1/agents" => agents::list [AgentListRule],
            get "/v1/agents/{id}" => agents::show [AgentShowRule],
            get "/v1/drivers" => drivers::list [DriverListRule],
        }
    };
}
pub(crate) use route_table;

macro_rules! ruled {
    ($($method:ident $path:literal => $module:ident :: $handler:ident [$($rule:ident)?]),+ $(,)?) => {
        vec![$((
            $path,
            None::<PolicyRule> $(.or(Some(policy_rule::<$module::$rule>(const {
                &[Operation { method: upper(stringify!($method)), path: $path }]
            }))))?,
        )),+]
    };
}

/// The name that HTTP has for a method of the table.
const fn upper(method: &str) -> &'static str {
    match method.as_bytes() {
        b"get" => "GET",
        b"put" => "PUT",
        b"patch" => "PATCH",
        b"delete" => "DELETE",
        _ => "POST",
    }
}

/// The rule of every route, as (path, rule).
fn guarded() -> Vec<(&'static str, Option<PolicyRule>)> {
    route_table!(ruled)
}

fn policy_rule<R: Rule>(operations: &'static [Operation]) -> PolicyRule {
    let description = R::DESCRIPTION.trim_ascii();
    PolicyRule { name: R::NAME, description, access: R::ACCESS, operations }
}

/// The rules of all routes.
pub(crate) fn rules() -> Vec<PolicyRule> {
    guarded().into_iter().filter_map(|(_, rule)| rule).collect()
}

/// Whether everybody may ask what is at this path, without a token and in no version.
pub(crate) fn is_open(path: &str) -> bool {
    let mut here = guarded().into_iter().filter(|route| route.0 == path).peekable();
    here.peek().is_some() && here.all(|(_, rule)| rule.is_none())
}

macro_rules! served {
    ($($method:ident $path:literal => $module:ident :: $handler:ident [$($rule:ident)?]),+ $(,)?) => {
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
        if is_open(path) {
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
