use std::time::Duration;

use keystone_middleware_rs::{
    Answer, Auth, AuthTokenOptions, DomainRef, HttpOptions, Interface, Method, Presented,
    ProjectRef, Scope, Secret, Session, SessionOptions, UserRef, Validator,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A Keystone and its administrator.
pub(crate) struct Cloud {
    pub(crate) auth_url: String,
    pub(crate) admin: Session,
}

/// A user made for one test.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) project_id: String,
}

impl User {
    pub(crate) fn auth(&self, scope: Scope) -> Auth {
        Auth::Password {
            user: UserRef::Id(self.id.clone()),
            password: self.password.as_str().into(),
            scope,
        }
    }

    pub(crate) fn project_scope(&self) -> Scope {
        Scope::Project(ProjectRef::Id(self.project_id.clone()))
    }
}

fn unique(what: &str) -> String {
    format!("{what}-{}", Uuid::new_v4().simple())
}

impl Cloud {
    pub(crate) fn shared() -> Self {
        Self::at(&firn_ground::shared("keystone"))
    }

    pub(crate) fn at(info: &Value) -> Self {
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
            http: HttpOptions { timeout: Duration::from_secs(60), ..HttpOptions::default() },
        };
        let admin = Session::new(options).unwrap();
        Self { auth_url: admin.auth_url().to_owned(), admin }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.admin.request(method, &format!("{}/{path}", self.auth_url));
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        request.send().await.unwrap().success().unwrap()
    }

    pub(crate) async fn create(&self, kind: &str, body: Value) -> Value {
        let path = format!("{kind}s");
        let answer = self.call(Method::POST, &path, Some(json!({ kind: body }))).await;
        answer.json::<Value>().unwrap()[kind].clone()
    }

    pub(crate) async fn update(&self, kind: &str, id: &str, body: Value) {
        self.call(Method::PATCH, &format!("{kind}s/{id}"), Some(json!({ kind: body }))).await;
    }

    pub(crate) async fn project(&self) -> String {
        let body = json!({"name": unique("project"), "domain_id": "default"});
        self.create("project", body).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn role_id(&self, name: &str) -> String {
        let roles = self.call(Method::GET, &format!("roles?name={name}"), None).await;
        let roles: Value = roles.json().unwrap();
        roles["roles"][0]["id"].as_str().expect("the ground has the role").to_owned()
    }

    pub(crate) async fn grant(&self, user: &str, scope: &str, role: &str) {
        let role = self.role_id(role).await;
        let path = format!("{scope}/users/{user}/roles/{role}");
        self.call(Method::PUT, &path, None).await;
    }

    /// A user with these roles in a new project.
    pub(crate) async fn user(&self, roles: &[&str]) -> User {
        let project_id = self.project().await;
        let (name, password) = (unique("user"), unique("pw"));
        let body = json!({"name": name, "password": password, "domain_id": "default"});
        let created = self.create("user", body).await;
        let id = created["id"].as_str().unwrap().to_owned();
        for role in roles {
            self.grant(&id, &format!("projects/{project_id}"), role).await;
        }
        User { id, name, password, project_id }
    }

    pub(crate) fn session(&self, auth: Auth) -> Session {
        self.admin.with_auth(auth)
    }

    /// A token of the user in their project.
    pub(crate) async fn token(&self, user: &User) -> Secret {
        self.session(user.auth(user.project_scope())).token().await.unwrap()
    }

    /// The options of a service whose user this is.
    pub(crate) fn options(&self, service: &User) -> AuthTokenOptions {
        AuthTokenOptions {
            auth_url: self.auth_url.clone(),
            www_authenticate_uri: Some("https://keystone.example.org/v3".to_owned()),
            user_id: Some(service.id.clone()),
            password: Some(service.password.as_str().into()),
            project_id: Some(service.project_id.clone()),
            region_name: Some("RegionOne".to_owned()),
            timeout: Duration::from_secs(30),
            ..AuthTokenOptions::default()
        }
    }

    /// A validator with a service user of its own, who has the role `service` and no other.
    pub(crate) async fn validator(&self) -> Validator {
        let service = self.user(&["service"]).await;
        Validator::new(&self.options(&service)).unwrap()
    }

    pub(crate) async fn revoke(&self, token: &Secret) {
        let url = format!("{}/auth/tokens", self.auth_url);
        let request = self.admin.request(Method::DELETE, &url);
        let answer = request.secret_header("x-subject-token", token).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }
}

/// `GET /v1/plans` with this token.
pub(crate) fn get(token: &Secret) -> Presented<'_> {
    Presented { token: Some(token.expose()), service_token: None, method: "GET", path: "/v1/plans" }
}
