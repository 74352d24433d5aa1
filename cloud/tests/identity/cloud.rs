use std::sync::Arc;

use keystone_middleware_rs::{
    Answer, Auth, DomainRef, HttpOptions, Interface, Method, ProjectRef, Scope, Secret, Session,
    SessionOptions, TokenContext, UserRef,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The run's Keystone and its administrator.
pub(crate) struct Cloud {
    pub(crate) admin: Session,
}

/// A user made for one test.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) session: Session,
    pub(crate) project_id: String,
}

impl User {
    /// A token, and what Keystone says of it.
    pub(crate) async fn token(&self) -> (Secret, Arc<TokenContext>) {
        (self.session.token().await.unwrap(), self.session.context().await.unwrap())
    }
}

pub(crate) fn unique(what: &str) -> String {
    format!("{what}-{}", Uuid::new_v4().simple())
}

impl Cloud {
    pub(crate) fn shared() -> Self {
        let info = firn_ground::shared("keystone");
        let text = |value: &Value| value.as_str().expect("the ground says it").to_owned();
        let admin = &info["admin"];
        let default = || DomainRef::Name("Default".to_owned());
        let options = SessionOptions {
            auth_url: text(&info["auth_url"]),
            auth: Auth::Password {
                user: UserRef::Name { name: text(&admin["username"]), domain: default() },
                password: text(&admin["password"]).into(),
                scope: Scope::Project(ProjectRef::Name {
                    name: text(&admin["project_name"]),
                    domain: default(),
                }),
            },
            region_name: Some(text(&info["region"])),
            interface: Interface::Internal,
            http: HttpOptions {
                timeout: std::time::Duration::from_secs(60),
                ..HttpOptions::default()
            },
        };
        Self { admin: Session::new(options).unwrap() }
    }

    /// Without a success the answer is for the caller to judge.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let url = format!("{}/{path}", self.admin.auth_url());
        let request = self.admin.request(method, &url);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, Value::Null).await;
        answer.success().unwrap().json().unwrap()
    }

    pub(crate) async fn create(&self, kind: &str, body: Value) -> Value {
        let answer = self.call(Method::POST, &format!("{kind}s"), json!({ kind: body })).await;
        answer.success().unwrap().json::<Value>().unwrap()[kind].clone()
    }

    pub(crate) async fn enable(&self, kind: &str, id: &str, enabled: bool) {
        let body = json!({ kind: { "enabled": enabled } });
        let answer = self.call(Method::PATCH, &format!("{kind}s/{id}"), body).await;
        answer.success().unwrap();
    }

    /// Grants or takes away a role in a project.
    pub(crate) async fn role(&self, method: Method, user: &str, project: &str, role: &str) {
        let roles = self.get(&format!("roles?name={role}")).await;
        let role = roles["roles"][0]["id"].as_str().unwrap();
        let path = format!("projects/{project}/users/{user}/roles/{role}");
        self.call(method, &path, Value::Null).await.success().unwrap();
    }

    /// A user with these roles in a new project.
    pub(crate) async fn user(&self, roles: &[&str]) -> User {
        let body = json!({"name": unique("project"), "domain_id": "default"});
        let project = self.create("project", body).await;
        let project_id = project["id"].as_str().unwrap().to_owned();
        let password = unique("pw");
        let body = json!({"name": unique("user"), "password": password, "domain_id": "default"});
        let id = self.create("user", body).await["id"].as_str().unwrap().to_owned();
        for role in roles {
            self.role(Method::PUT, &id, &project_id, role).await;
        }
        let session = self.admin.with_auth(Auth::Password {
            user: UserRef::Id(id.clone()),
            password: password.into(),
            scope: Scope::Project(ProjectRef::Id(project_id.clone())),
        });
        User { id, session, project_id }
    }
}
