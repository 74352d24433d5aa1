use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::{self, Answer};

/// The Keystone of a test run, as its administrator sees it.
pub struct Keystone {
    address: SocketAddr,
    info: Value,
    token: String,
}

/// A user with a role in a project.
#[derive(Clone, Debug)]
pub struct User {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Id of the project.
    pub project: String,
    /// Name of the project.
    pub project_name: String,
}

impl Keystone {
    /// Logs in to a Keystone described by its ground.
    pub fn new(info: &Value) -> Self {
        let port = info["port"].as_u64().unwrap();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let mut keystone = Self { address, info: info.clone(), token: String::new() };
        let admin = &info["admin"];
        let identity = json!({"methods": ["password"], "password": {"user": {
            "name": admin["username"], "password": admin["password"],
            "domain": {"name": admin["user_domain_name"]}}}});
        let scope = json!({"project": {
            "name": admin["project_name"], "domain": {"name": admin["project_domain_name"]}}});
        keystone.token = keystone.log_in(&json!({"identity": identity, "scope": scope}));
        keystone
    }

    /// Its URL, with the version.
    pub fn url(&self) -> String {
        self.info["auth_url"].as_str().unwrap().to_owned()
    }

    /// The administrator's token.
    pub fn admin_token(&self) -> &str {
        &self.token
    }

    /// Sends a request with a token (empty: none) below `/v3`.
    pub fn send(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let mut headers = vec![("Content-Type", "application/json")];
        if !token.is_empty() {
            headers.push(("X-Auth-Token", token));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::request(self.address, method, &format!("/v3{path}"), &headers, body.as_bytes())
            .unwrap_or_else(|error| panic!("keystone: {method} {path}: {error}"))
    }

    /// An administrator's request that must succeed.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(&self.token, method, path, body);
        assert!(
            answer.status < 300,
            "keystone: {method} {path}: {} {}",
            answer.status,
            answer.json()
        );
        answer.json()
    }

    /// A token for what stands in `auth`.
    #[track_caller]
    pub fn log_in(&self, auth: &Value) -> String {
        let answer = self.send("", "POST", "/auth/tokens", &json!({ "auth": auth }));
        assert_eq!(answer.status, 201, "keystone refuses: {}", answer.json());
        answer.header("x-subject-token").unwrap().to_owned()
    }

    /// The id of a role by its name.
    #[track_caller]
    pub fn role(&self, name: &str) -> String {
        let roles = self.admin("GET", &format!("/roles?name={name}"), &Value::Null);
        roles["roles"][0]["id"].as_str().unwrap_or_else(|| panic!("no role {name}")).to_owned()
    }

    /// A new project; gives its id.
    pub fn project(&self, name: &str) -> String {
        let project = json!({"project": {"name": name, "domain_id": "default"}});
        self.admin("POST", "/projects", &project)["project"]["id"].as_str().unwrap().to_owned()
    }

    /// A new user with a role in a project of its own or of others.
    pub fn user(&self, name: &str, project: &str, role: &str) -> User {
        let password = uuid::Uuid::new_v4().to_string();
        let user = json!({"user": {"name": name, "domain_id": "default", "password": password}});
        let id = self.admin("POST", "/users", &user)["user"]["id"].as_str().unwrap().to_owned();
        self.grant(&id, project, role);
        let found = self.admin("GET", &format!("/projects/{project}"), &Value::Null);
        let project_name = found["project"]["name"].as_str().unwrap().to_owned();
        User { id, name: name.to_owned(), password, project: project.to_owned(), project_name }
    }

    /// Gives a user a role in a project.
    pub fn grant(&self, user: &str, project: &str, role: &str) {
        let path = format!("/projects/{project}/users/{user}/roles/{}", self.role(role));
        self.admin("PUT", &path, &Value::Null);
    }

    /// A token of a user, scoped to its project.
    pub fn token(&self, user: &User) -> String {
        let identity = json!({"methods": ["password"],
            "password": {"user": {"id": user.id, "password": user.password}}});
        self.log_in(&json!({"identity": identity, "scope": {"project": {"id": user.project}}}))
    }

    /// Makes a token invalid.
    pub fn revoke(&self, token: &str) {
        let headers = [("X-Auth-Token", self.token.as_str()), ("X-Subject-Token", token)];
        let answer = http::request(self.address, "DELETE", "/v3/auth/tokens", &headers, b"");
        assert_eq!(answer.unwrap().status, 204);
    }
}
