//! Fresh databases on every engine: a file for SQLite, a database of its own on the servers that
//! the test run shares.

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, MysqlConnection, PgConnection};
use firn_db::Engine;
use tempfile::TempDir;
use uuid::Uuid;

/// A database that is removed when dropped.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    /// The server and the database's name there; `None` for SQLite.
    server: Option<(String, String)>,
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("firn.db").display());
                Self { engine, url, server: None, _folder: Some(folder) }
            }
            Engine::Mysql => Self::on(engine, text(&firn_ground::shared("mariadb"), "url")),
            Engine::Postgresql => Self::on(engine, text(&firn_ground::shared("postgresql"), "url")),
        }
    }

    /// A new database on the server at `server`, a URL without a database.
    pub(crate) fn on(engine: Engine, server: String) -> Self {
        let name = format!("firn_{}", Uuid::new_v4().simple());
        execute(engine, &server, &format!("CREATE DATABASE {name}"));
        let url = format!("{server}/{name}");
        Self { engine, url, server: Some((server, name)), _folder: None }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((server, name)) = &self.server else { return };
        // A server of the test's own may be gone by now.
        let force = if self.engine == Engine::Postgresql { " WITH (FORCE)" } else { "" };
        let sql = format!("DROP DATABASE {name}{force}");
        let _ = std::panic::catch_unwind(|| execute(self.engine, server, &sql));
    }
}

fn text(info: &serde_json::Value, key: &str) -> String {
    info[key].as_str().unwrap().to_owned()
}

/// Runs SQL as the server's administrator.
fn execute(engine: Engine, server: &str, sql: &str) {
    match engine {
        Engine::Sqlite => unreachable!("SQLite has no server"),
        Engine::Mysql => {
            MysqlConnection::establish(&format!("{server}/mysql"))
                .unwrap()
                .batch_execute(sql)
                .unwrap();
        }
        Engine::Postgresql => {
            PgConnection::establish(&format!("{server}/postgres"))
                .unwrap()
                .batch_execute(sql)
                .unwrap();
        }
    }
}

/// Runs each of the functions, which take a [`crate::support::Db`], on every engine.
macro_rules! every_engine {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn sqlite() {
                super::$name($crate::support::Db::new(firn_db::Engine::Sqlite));
            }
            #[test]
            fn mariadb() {
                super::$name($crate::support::Db::new(firn_db::Engine::Mysql));
            }
            #[test]
            fn postgresql() {
                super::$name($crate::support::Db::new(firn_db::Engine::Postgresql));
            }
        }
    )+ };
}

pub(crate) use every_engine;
