use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error as ManagerError, Pool};

use crate::{AnyConnection, Connection, DbError, migration};

/// How a database is used.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// At most that many connections.
    pub connections: u32,
    /// How long a query waits for a free connection, and a writer for the others, before it
    /// fails with `Unavailable`.
    pub wait: Duration,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self { connections: 8, wait: Duration::from_secs(10) }
    }
}

/// A pool of connections to one database. Clones share it.
#[derive(Clone)]
pub struct Database {
    pool: Pool<ConnectionManager<Connection>>,
}

impl Database {
    /// Opens the database at `url`: `sqlite:///absolute/path`, made if absent.
    pub fn open(url: &str) -> Result<Self, DbError> {
        Self::open_with(url, &DatabaseOptions::default())
    }

    /// Opens the database at `url` with options.
    pub fn open_with(url: &str, options: &DatabaseOptions) -> Result<Self, DbError> {
        let pool = Pool::builder()
            .max_size(options.connections.max(1))
            .min_idle(Some(1))
            .connection_timeout(options.wait)
            .test_on_check_out(false)
            .error_handler(Box::new(diesel::r2d2::NopErrorHandler))
            .connection_customizer(Box::new(Settings { busy: options.wait }))
            .build(ConnectionManager::new(sqlite_uri(url)?))
            .map_err(|source| DbError::Unavailable { source: Box::new(source) })?;
        Ok(Self { pool })
    }

    /// Brings the schema up to date. Returns the names of the migrations that ran.
    pub fn migrate(&self) -> Result<Vec<String>, DbError> {
        self.run_blocking(migration::migrate)
    }

    /// Runs queries on a thread that may block. Each query is its own transaction; use
    /// [`crate::transaction`] inside to bind several.
    pub async fn run<T, F>(&self, queries: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    {
        let database = self.clone();
        tokio::task::spawn_blocking(move || database.run_blocking(queries))
            .await
            .map_err(|source| DbError::Panicked { source })?
    }

    /// Runs queries on this thread.
    pub fn run_blocking<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let mut conn =
            self.pool.get().map_err(|source| DbError::Unavailable { source: Box::new(source) })?;
        queries(&mut conn)
    }
}

/// What is set on every new connection.
#[derive(Debug)]
struct Settings {
    busy: Duration,
}

impl CustomizeConnection<Connection, ManagerError> for Settings {
    fn on_acquire(&self, conn: &mut Connection) -> Result<(), ManagerError> {
        match conn {
            // Synchronous FULL: what was answered to a client survives a power cut.
            AnyConnection::Sqlite(sqlite) => sqlite.batch_execute(&format!(
                "PRAGMA busy_timeout = {};
                 PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = ON;",
                self.busy.as_millis()
            )),
        }
        .map_err(ManagerError::QueryError)
    }
}

/// SQLite's own URI form of our URL, with what it would take for a query or an escape hidden.
fn sqlite_uri(url: &str) -> Result<String, DbError> {
    let refused = |message| DbError::Url { url: without_password(url), message };
    let path = url
        .strip_prefix("sqlite://")
        .ok_or_else(|| refused("only sqlite:///absolute/path is known"))?;
    if !path.starts_with('/') {
        return Err(refused("the path must be absolute: sqlite:///var/lib/firn/firn.db"));
    }
    if path.contains('\0') || path.ends_with('/') {
        return Err(refused("the path must name a file"));
    }
    let mut uri = "file:".to_owned();
    for character in path.chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            plain => uri.push(plain),
        }
    }
    Ok(uri)
}

/// The URL with `user:password@` cut down to `user@`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(not a URL)".to_owned() };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use firn_core::ErrorKind;

    use super::*;

    #[test]
    fn urls_are_checked_and_escaped() {
        assert_eq!(sqlite_uri("sqlite:///a/b c.db").unwrap(), "file:/a/b c.db");
        assert_eq!(sqlite_uri("sqlite:///a?b#c%41").unwrap(), "file:/a%3fb%23c%2541");
        for bad in ["sqlite://relative", "sqlite:///", "mysql://u:pw@h/firn", "/a/b", ""] {
            let error = sqlite_uri(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }

    #[test]
    fn odd_file_names_are_the_files_that_were_meant() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["plain.db", "a?mode=memory", "b%41.db", "c#d.db", "ü e.db"] {
            let path = folder.path().join(name);
            let url = format!("sqlite://{}", path.display());
            let database = Database::open(&url).unwrap();
            assert!(!database.migrate().unwrap().is_empty());
            assert!(path.is_file(), "{name}");
        }
    }

    #[test]
    fn a_missing_folder_is_unavailable_not_a_hang() {
        let options = DatabaseOptions { wait: Duration::from_millis(300), ..Default::default() };
        let error =
            Database::open_with("sqlite:///nowhere/at/all/firn.db", &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn a_panicking_query_is_an_error_and_leaves_nothing_open() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("firn.db").display());
        let database = Database::open(&url).unwrap();
        database.migrate().unwrap();
        let panicked = database
            .run(|conn| {
                crate::transaction(conn, |_| -> Result<(), DbError> { panic!("on purpose") })
            })
            .await;
        assert_eq!(panicked.unwrap_err().kind(), ErrorKind::Internal);
        database.run(|conn| crate::transaction(conn, |_| Ok(()))).await.unwrap();
    }
}
