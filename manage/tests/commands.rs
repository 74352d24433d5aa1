//! The two programs, as an operator runs them, on every database.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, MysqlConnection, PgConnection};
use firn_core::*;
use firn_db::*;
use tempfile::TempDir;

/// A configuration that names an empty database.
struct Site {
    folder: TempDir,
    url: String,
}

impl Site {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:///{}", folder.path().join("firn.db").display());
        Self::with(folder, url)
    }

    fn mariadb() -> Self {
        let (server, name) = server("mariadb");
        MysqlConnection::establish(&format!("{server}/mysql"))
            .unwrap()
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        let server = server.replace("mysql://", "mysql+pymysql://");
        Self::with(tempfile::tempdir().unwrap(), format!("{server}/{name}?charset=utf8mb4"))
    }

    fn postgresql() -> Self {
        let (server, name) = server("postgresql");
        PgConnection::establish(&format!("{server}/postgres"))
            .unwrap()
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        let server = server.replace("postgresql://", "postgresql+psycopg2://");
        Self::with(tempfile::tempdir().unwrap(), format!("{server}/{name}"))
    }

    fn with(folder: TempDir, url: String) -> Self {
        let site = Self { folder, url };
        std::fs::write(
            site.file(),
            format!("[database]\nconnection = {}\nmax_retries = 0\n", site.url.replace('$', "$$")),
        )
        .unwrap();
        site
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("firn.conf")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .arg("--config-file")
            .arg(self.file())
            .args(arguments)
            .env_clear()
            .output()
            .unwrap()
    }

    /// `firn-manage`, which must succeed.
    fn manage(&self, arguments: &[&str]) -> String {
        let output = self.run(env!("CARGO_BIN_EXE_firn-manage"), arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn status(&self) -> (i32, String) {
        let output = self.run(env!("CARGO_BIN_EXE_firn-status"), &["upgrade", "check"]);
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    fn database(&self) -> Database {
        Database::open(&self.url).unwrap()
    }
}

fn server(name: &str) -> (String, String) {
    let url = firn_ground::shared(name)["url"].as_str().unwrap().to_owned();
    (url, format!("firn_{}", uuid::Uuid::new_v4().simple()))
}

fn an_operators_way(site: &Site) {
    let (code, table) = site.status();
    assert_eq!(code, 2, "{table}");
    assert!(table.contains("Check: Database Schema") && table.contains("Result: Failure"));
    assert!(table.starts_with("+--"));

    let first = site.manage(&["db", "sync", "--expand"]);
    assert!(first.contains("initial: done"), "{first}");
    let rest = site.manage(&["db", "sync"]);
    assert!(rest.contains("up to date") || rest.contains("_contract: done"), "{rest}");
    assert!(site.manage(&["db", "sync"]).contains("up to date"));
    let version = site.manage(&["db", "version"]);
    assert!(version.lines().count() > 3 && !version.contains("pending"), "{version}");

    let (code, table) = site.status();
    assert_eq!(code, 0, "{table}");
    assert!(!table.contains("Failure") && !table.contains("Warning"), "{table}");
    service_of_another_version(site);
    let (code, table) = site.status();
    assert_eq!(code, 1, "{table}");
    assert!(table.contains("conductor on h1 has 0.0.1"), "{table}");
}

fn service_of_another_version(site: &Site) {
    let report = ServiceReport {
        kind: ServiceKind::Conductor,
        host: "h1".to_owned(),
        version: "0.0.1".to_owned(),
        started_at: Utc::now(),
    };
    let id = uuid::Uuid::new_v4();
    site.database().run_blocking(|c| service_heartbeat(c, &report, id, Utc::now())).unwrap();
}

#[test]
fn sync_version_and_check_on_sqlite() {
    an_operators_way(&Site::sqlite());
}

#[test]
fn sync_version_and_check_on_mariadb() {
    an_operators_way(&Site::mariadb());
}

#[test]
fn sync_version_and_check_on_postgresql() {
    an_operators_way(&Site::postgresql());
}

/// A backup that ended at a time.
fn ended(database: &Database, repository: RepositoryId, at: DateTime<Utc>) -> JobId {
    let request = BackupRequest {
        point_id: PointId::new(),
        job_id: JobId::new(),
        project_id: ProjectId::standalone(),
        instance_id: InstanceId::new(),
        instance_name: "web".to_owned(),
        name: None,
        description: None,
        repository_id: repository,
        mode: BackupMode::Full,
        spec: serde_json::Value::Null,
        request_id: "req".to_owned(),
    };
    let job = request.job_id;
    database.run_blocking(|conn| backup_request_create(conn, request, at)).unwrap();
    database.run_blocking(|conn| job_request_cancel(conn, &Scope::All, job, at)).unwrap();
    job
}

#[test]
fn purge_removes_what_is_old_enough() {
    let site = Site::sqlite();
    site.manage(&["db", "sync"]);
    let database = site.database();
    let repository = RepositoryId::new();
    let new = NewRepository {
        id: repository,
        name: "default".to_owned(),
        url: "file:///r".to_owned(),
        chunk_bytes: 65_536,
    };
    database.run_blocking(|conn| repository_create(conn, new, Utc::now())).unwrap();
    let old: Vec<_> = (40..47)
        .map(|days| ended(&database, repository, Utc::now() - TimeDelta::days(days)))
        .collect();
    let young = ended(&database, repository, Utc::now() - TimeDelta::days(3));
    let said = site.manage(&["db", "purge", "--days", "30", "--batch", "2"]);
    assert!(said.contains("jobs: 7 removed"), "{said}");
    let get = |id| database.run_blocking(|conn| job_get(conn, &Scope::All, id));
    for id in old {
        assert_eq!(get(id).unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(get(young).unwrap().state, JobState::Cancelled);
    assert!(site.manage(&["db", "purge", "--days", "30"]).contains("jobs: 0 removed"));
    let refused = site.run(env!("CARGO_BIN_EXE_firn-manage"), &["db", "purge"]);
    assert!(!refused.status.success(), "how old must be said");
}

#[test]
fn a_server_that_is_not_there_is_told_without_its_password() {
    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let site = Site::with(folder, format!("mysql+pymysql://firn:veiled@{refused}/firn"));
    let output = site.run(env!("CARGO_BIN_EXE_firn-manage"), &["db", "sync"]);
    assert!(!output.status.success());
    assert!(!format!("{output:?}").contains("veiled"), "{output:?}");
    let (code, table) = site.status();
    assert_eq!(code, 2);
    assert!(table.contains("Check: Database") && !table.contains("veiled"), "{table}");
}

#[test]
fn a_configuration_that_is_wrong_is_named_by_line() {
    let site = Site::sqlite();
    site.manage(&["db", "sync"]);
    let mut text = std::fs::read_to_string(site.file()).unwrap();
    text.push_str("no_such_option = 1\n");
    std::fs::write(site.file(), text).unwrap();
    let (code, table) = site.status();
    assert_eq!(code, 2, "{table}");
    assert!(table.contains("no_such_option"), "{table}");
}

#[test]
fn drivers_that_are_missing_are_a_warning() {
    let site = Site::sqlite();
    site.manage(&["db", "sync"]);
    let mut text = std::fs::read_to_string(site.file()).unwrap();
    text.push_str("[storage]\nenabled_drivers = file\ndriver_path = /nowhere\n");
    std::fs::write(site.file(), text).unwrap();
    let (code, table) = site.status();
    assert_eq!(code, 1, "{table}");
    assert!(table.contains("file is enabled"), "{table}");
}
