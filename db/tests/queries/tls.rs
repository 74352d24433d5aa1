//! Encrypted connections: taken where the server's certificate is vouched for, refused otherwise.

use std::path::{Path, PathBuf};
use std::process::Command;

use firn_core::ErrorKind;
use firn_db::*;
use firn_ground::Server;
use tempfile::TempDir;

/// Two authorities, and a server's certificate by the first, for 127.0.0.1.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let key = ["-newkey", "rsa:2048", "-nodes"];
        for name in ["good", "other"] {
            let made = ["-x509", "-days", "2", "-subj", &format!("/CN={name}")].map(str::to_owned);
            let out = [
                "-keyout".to_owned(),
                format!("{name}.key"),
                "-out".to_owned(),
                format!("{name}.pem"),
            ];
            openssl(path, "req", &[&key.map(str::to_owned)[..], &made, &out].concat());
        }
        let request =
            "-subj /CN=firn -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.csr";
        openssl(path, "req", &[&key.map(str::to_owned)[..], &words(request)].concat());
        let sign = "-req -in server.csr -CA good.pem -CAkey good.key -CAcreateserial -days 2 \
                    -copy_extensions copyall -out server.pem";
        openssl(path, "x509", &words(sign));
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self, name: &str) -> Server {
        let setting = |key, file| format!("{key}={}", self.file(file).display());
        let settings = [
            setting("cafile", "good.pem"),
            setting("certfile", "server.pem"),
            setting("keyfile", "server.key"),
        ];
        Server::start_with(name, &settings.each_ref().map(String::as_str))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn openssl(folder: &Path, verb: &str, arguments: &[String]) {
    let done = Command::new("openssl").arg(verb).args(arguments).current_dir(folder).output();
    let done = done.expect("openssl is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn refused(url: &str) -> String {
    let error = Database::open(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    std::error::Error::source(&error).unwrap().to_string()
}

fn cipher(database: &Database, sql: &str) -> String {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        value: String,
    }
    let rows: Vec<Row> =
        database.run_blocking(|conn| Ok(diesel::sql_query(sql).load(conn)?)).unwrap();
    rows[0].value.clone()
}

#[test]
fn mariadb() {
    let certificates = Certificates::new();
    let server = certificates.server("mariadb");
    let with = |ca: &str| {
        format!("{}/mysql?ssl_ca={}", server.text("url"), certificates.file(ca).display())
    };
    let database = Database::open(&with("good.pem")).unwrap();
    let sql = "SELECT VARIABLE_VALUE AS value FROM information_schema.SESSION_STATUS \
               WHERE VARIABLE_NAME = 'Ssl_cipher'";
    assert!(cipher(&database, sql).contains("TLS") || !cipher(&database, sql).is_empty());
    refused(&with("other.pem"));
    let plain = firn_ground::shared("mariadb")["url"].as_str().unwrap().to_owned();
    refused(&format!("{plain}/mysql?ssl_ca={}", certificates.file("good.pem").display()));
}

#[test]
fn postgresql() {
    let certificates = Certificates::new();
    let server = certificates.server("postgresql");
    let with = |mode: &str, ca: &str| {
        let ca = certificates.file(ca);
        format!("{}/postgres?sslmode={mode}&sslrootcert={}", server.text("url"), ca.display())
    };
    let database = Database::open(&with("verify-full", "good.pem")).unwrap();
    let sql = "SELECT ssl::text AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(cipher(&database, sql), "true");
    refused(&with("verify-full", "other.pem"));
    let plain = firn_ground::shared("postgresql")["url"].as_str().unwrap().to_owned();
    refused(&format!("{plain}/postgres?sslmode=require"));
}
