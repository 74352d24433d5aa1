//! `firn-manage catalog register`, as an administrator runs it, on a real Keystone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

use keystone_middleware_rs::{
    Auth, DomainRef, HttpOptions, Interface, ProjectRef, Scope, Session, SessionOptions, UserRef,
};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

/// What an administrator has: the service's configuration, and an openrc file.
struct Site {
    keystone: Value,
    folder: TempDir,
    name: String,
    region: String,
    password: String,
}

impl Site {
    fn new() -> Self {
        let unique = Uuid::new_v4().simple().to_string();
        let site = Self {
            keystone: firn_ground::shared("keystone"),
            folder: tempfile::tempdir().unwrap(),
            name: format!("firn-{unique}"),
            region: format!("region-{unique}"),
            password: format!("veiled-{unique}"),
        };
        site.configure(&site.password);
        site
    }

    fn configure(&self, password: &str) {
        // No [database]: the catalog is registered before there is one.
        let text = format!(
            "[keystone_authtoken]\nauth_url = {}\nusername = {name}\npassword = {password}\n\
             project_name = {name}-service\nuser_domain_name = Default\n\
             project_domain_id = default\nservice_type = {name}-backup\n",
            self.text("auth_url"),
            name = self.name,
        );
        std::fs::write(self.folder.path().join("firn.conf"), text).unwrap();
    }

    fn text(&self, key: &str) -> &str {
        self.keystone[key].as_str().unwrap()
    }

    fn admin(&self, key: &str) -> &str {
        self.keystone["admin"][key].as_str().unwrap()
    }

    fn run(&self, password: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_firn-manage"))
            .arg("--config-file")
            .arg(self.folder.path().join("firn.conf"))
            .args(["catalog", "register"])
            .args(arguments)
            .env_clear()
            .env("OS_AUTH_URL", self.text("auth_url"))
            .env("OS_USERNAME", self.admin("username"))
            .env("OS_PASSWORD", password)
            .env("OS_PROJECT_NAME", self.admin("project_name"))
            .env("OS_USER_DOMAIN_NAME", self.admin("user_domain_name"))
            .env("OS_PROJECT_DOMAIN_ID", "")
            .env("OS_REGION_NAME", &self.region)
            .output()
            .unwrap()
    }

    /// Registers; gives what was said.
    #[track_caller]
    fn register(&self, arguments: &[&str]) -> String {
        let output = self.run(self.admin("password"), arguments);
        let shown = format!("{output:?}");
        assert!(output.status.success(), "{shown}");
        assert!(!shown.contains("veiled") && !shown.contains(self.admin("password")), "{shown}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn session(&self, user: &str, password: &str, project: &str) -> Session {
        let domain = || DomainRef::Name("Default".to_owned());
        Session::new(SessionOptions {
            auth_url: self.text("auth_url").to_owned(),
            auth: Auth::Password {
                user: UserRef::Name { name: user.to_owned(), domain: domain() },
                password: password.into(),
                scope: Scope::Project(ProjectRef::Name {
                    name: project.to_owned(),
                    domain: domain(),
                }),
            },
            region_name: Some(self.region.clone()),
            interface: Interface::Public,
            http: HttpOptions::default(),
        })
        .unwrap()
    }

    /// The three endpoints, as the catalog of a new token of the service user has them.
    async fn endpoints(&self, password: &str) -> [String; 3] {
        let session = self.session(&self.name, password, &format!("{}-service", self.name));
        let mut found = Interface::ALL.map(|_| String::new());
        for (at, interface) in Interface::ALL.into_iter().enumerate() {
            let service = format!("{}-backup", self.name);
            found[at] = session.endpoint_in(&service, interface, Some(&self.region)).await.unwrap();
        }
        found
    }
}

fn outcomes(said: &str, outcome: &str) -> usize {
    said.lines().filter(|line| line.starts_with(outcome)).count()
}

#[tokio::test]
async fn registering_twice_changes_nothing_and_what_differs_is_put_right_and_told() {
    let site = Site::new();
    let urls = ["--url", "http://c:8998", "--public-url", "https://cloud.example/backup/"];
    let said = site.register(&urls);
    // Project, user, its role, service, region and three endpoints.
    assert_eq!(outcomes(&said, "made "), 8, "{said}");
    assert!(said.ends_with("the service is registered\n"), "{said}");
    let expected = ["https://cloud.example/backup", "http://c:8998", "http://c:8998"];
    assert_eq!(site.endpoints(&site.password).await, expected);

    let said = site.register(&urls);
    assert_eq!(outcomes(&said, "unchanged "), 8, "{said}");
    assert!(said.ends_with("registered already: nothing is changed\n"), "{said}");

    let said = site.register(&["--internal-url", "http://other:8998"]);
    let changed = "changed    the internal endpoint http://other:8998: url was \"http://c:8998\"";
    assert!(said.lines().any(|line| line == changed), "{said}");
    assert_eq!(outcomes(&said, "changed "), 1, "{said}");
    assert_eq!(outcomes(&said, "made "), 0, "{said}");
    let expected = ["https://cloud.example/backup", "http://other:8998", "http://c:8998"];
    assert_eq!(site.endpoints(&site.password).await, expected, "the others are left alone");

    let password = format!("veiled-{}", Uuid::new_v4());
    site.configure(&password);
    let said = site.register(&["--internal-url", "http://other:8998", "--description", "New"]);
    let user = format!("changed    the user {}: another password", site.name);
    assert!(said.lines().any(|line| line == user), "{said}");
    assert!(said.contains("description was \"Instance backup\""), "{said}");
    assert_eq!(outcomes(&said, "changed "), 2, "{said}");
    assert_eq!(site.endpoints(&password).await, expected);
}

#[tokio::test]
async fn users_can_be_left_alone() {
    let site = Site::new();
    let said = site.register(&["--url", "http://c:8998", "--no-user"]);
    assert_eq!(outcomes(&said, "made "), 5, "{said}");
    assert!(!said.contains("the user") && !said.contains("the project"), "{said}");
    let service = site.session(&site.name, &site.password, &format!("{}-service", site.name));
    assert!(service.token().await.is_err(), "there is no such user");
}

#[test]
fn what_is_wrong_is_told_without_secrets() {
    let site = Site::new();
    let trouble = |password: &str, arguments: &[&str]| {
        let output = site.run(password, arguments);
        assert!(!output.status.success(), "{output:?}");
        let said = format!("{output:?}");
        assert!(!said.contains("veiled") && !said.contains(site.admin("password")), "{said}");
        String::from_utf8(output.stderr).unwrap()
    };
    let admin = site.admin("password");
    let url = ["--url", "http://c:8998"];
    assert!(trouble("veiled-and-wrong", &url).contains("does not allow it"));
    assert!(trouble("", &url).contains("OS_PASSWORD is not set"));
    assert!(trouble(admin, &[]).contains("--url"));
    assert!(trouble(admin, &["--url", "c:8998"]).contains("not a URL"));
    std::fs::write(site.folder.path().join("firn.conf"), "[keystone_authtoken]\n").unwrap();
    assert!(trouble(admin, &url).contains("[keystone_authtoken] username is not set"));
}
