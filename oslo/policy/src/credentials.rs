//! Who acts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is known of a caller: the attributes that OpenStack services give to their policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The user's id.
    pub user_id: Option<String>,
    /// The domain of the user.
    pub user_domain_id: Option<String>,
    /// The project of a token for one.
    pub project_id: Option<String>,
    /// The domain of that project.
    pub project_domain_id: Option<String>,
    /// The domain of a token for one.
    pub domain_id: Option<String>,
    /// `all` for a token for the system.
    pub system_scope: Option<String>,
    /// Roles' names.
    pub roles: Vec<String>,
    /// The caller is the service itself.
    pub is_admin: bool,
    /// The token is for the cloud's admin project.
    pub is_admin_project: bool,
    /// The calling service's user id, from a service token.
    pub service_user_id: Option<String>,
    /// The domain of the calling service's user.
    pub service_user_domain_id: Option<String>,
    /// The calling service's project.
    pub service_project_id: Option<String>,
    /// The domain of the calling service's project.
    pub service_project_domain_id: Option<String>,
    /// The calling service's roles.
    pub service_roles: Vec<String>,
    /// More attributes by name, as `token` with the token's own form below it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An attribute of a caller, found by a rule's name for it.
pub(crate) enum Attribute<'a> {
    Text(Option<&'a str>),
    Bool(bool),
    List(&'a [String]),
    Value(&'a Value),
    Missing,
}

impl Credentials {
    /// The caller that a token of Keystone's names: the answer of `GET /v3/auth/tokens`, with or
    /// without the `token` around it. The token is there for rules as `token.…`.
    #[must_use]
    pub fn from_token(answer: &Value) -> Self {
        let token = answer.get("token").unwrap_or(answer);
        let text = |pointer: &str| token.pointer(pointer)?.as_str().map(str::to_owned);
        let roles = token.get("roles").and_then(Value::as_array).into_iter().flatten();
        let system = token.pointer("/system/all").and_then(Value::as_bool) == Some(true);
        Self {
            user_id: text("/user/id"),
            user_domain_id: text("/user/domain/id"),
            project_id: text("/project/id"),
            project_domain_id: text("/project/domain/id"),
            domain_id: text("/domain/id"),
            system_scope: system.then(|| "all".to_owned()),
            roles: roles.filter_map(|role| Some(role.get("name")?.as_str()?.to_owned())).collect(),
            is_admin_project: token.get("is_admin_project").and_then(Value::as_bool) == Some(true),
            extra: Map::from_iter([("token".to_owned(), token.clone())]),
            ..Self::default()
        }
    }

    /// The scope of the caller's token.
    #[must_use]
    pub fn scope(&self) -> &'static str {
        let set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        match (set(&self.system_scope), set(&self.domain_id)) {
            (true, _) => "system",
            (false, true) => "domain",
            (false, false) => "project",
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Attribute<'_> {
        let text = match name {
            "user_id" => &self.user_id,
            "user_domain_id" => &self.user_domain_id,
            "project_id" => &self.project_id,
            "project_domain_id" => &self.project_domain_id,
            "domain_id" => &self.domain_id,
            "system_scope" => &self.system_scope,
            // What oslo.policy calls it in old rules; there only when it is set.
            "system" => match &self.system_scope {
                Some(_) => &self.system_scope,
                None => return Attribute::Missing,
            },
            "service_user_id" => &self.service_user_id,
            "service_user_domain_id" => &self.service_user_domain_id,
            "service_project_id" => &self.service_project_id,
            "service_project_domain_id" => &self.service_project_domain_id,
            "roles" => return Attribute::List(&self.roles),
            "service_roles" => return Attribute::List(&self.service_roles),
            "is_admin" => return Attribute::Bool(self.is_admin),
            "is_admin_project" => return Attribute::Bool(self.is_admin_project),
            name => return self.extra.get(name).map_or(Attribute::Missing, Attribute::Value),
        };
        Attribute::Text(text.as_deref())
    }
}
