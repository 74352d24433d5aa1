//! The API's own description, made from the handlers and the bodies they take and give.

mod conventions;

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::handlers::{
    agents, drivers, instances, jobs, plans, quotas, repositories, restore_points, restores,
    services, system, usage,
};
use crate::http::{Problem, ProblemLink, Problems};
use crate::routes::route_table;

macro_rules! described {
    ($($method:ident $path:literal => $module:ident :: $handler:ident [$($rule:ident)?]),+ $(,)?) => {
        #[derive(OpenApi)]
        #[openapi(
            info(title = "Firn", description = "Backup, restore and instant restore of OpenStack instances"),
            paths($($module::$handler),+),
            components(schemas(Problems, Problem, ProblemLink)),
            security(("token" = [])),
            modifiers(&Token),
        )]
        struct Document;
    };
}

route_table!(described);

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let header = ApiKeyValue::with_description(
            "X-Auth-Token",
            "Needed where the operator set a token, or Keystone is in use",
        );
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(header));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// The OpenAPI document, as JSON.
pub fn document() -> serde_json::Value {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    conventions::apply(&mut document);
    document
}
