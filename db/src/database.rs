use std::thread;

use crate::pool::Pool;
use crate::url::Target;
use crate::{Connection, DbError, Engine, MigrationState, Phase, PoolOptions, migration};

/// A pool of connections to one database. Clones share it.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
}

/// The caller's deadline passed.
#[derive(Debug, thiserror::Error)]
#[error("it took longer than {} s", .0.as_secs_f64())]
struct TooSlow(std::time::Duration);

impl Database {
    /// Opens the database at `url` with default options.
    ///
    /// URLs are written as OpenStack's operators know them: `sqlite:////absolute/path` (made if
    /// absent), `mysql+pymysql://user:password@host:port/database?charset=utf8mb4`,
    /// `postgresql://user:password@host/database`.
    pub fn open(url: &str) -> Result<Self, DbError> {
        Self::open_with(url, &PoolOptions::default())
    }

    /// Opens the database at `url`, connecting once to see that it can be reached; a server that
    /// cannot is tried again as the options say. The thread waits meanwhile.
    pub fn open_with(url: &str, options: &PoolOptions) -> Result<Self, DbError> {
        let database = Self { pool: Pool::new(Target::parse(url)?, options.clone()) };
        let mut tries = 0;
        loop {
            let error = match database.pool.get() {
                Ok(_) => return Ok(database),
                Err(error) => error,
            };
            // A file that cannot be opened now will not be later either.
            let last = options.max_retries.is_some_and(|retries| tries >= retries);
            if last || database.engine() == Engine::Sqlite {
                return Err(error);
            }
            tries += 1;
            tracing::warn!(
                database = database.pool.target().shown(),
                error = %std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default(),
                tries,
                "the database cannot be reached; trying again"
            );
            thread::sleep(options.retry_interval);
        }
    }

    /// What it speaks to.
    pub fn engine(&self) -> Engine {
        self.pool.target().engine
    }

    /// Its URL, for people: without a password.
    pub fn shown(&self) -> &str {
        self.pool.target().shown()
    }

    /// Brings the schema up to date. Returns the names of the migrations that ran.
    ///
    /// Of several processes that do this at once one does it and the others wait.
    pub fn migrate(&self) -> Result<Vec<String>, DbError> {
        self.migrate_phase(Phase::All)
    }

    /// Runs the pending migrations of one phase. Returns their names.
    pub fn migrate_phase(&self, phase: Phase) -> Result<Vec<String>, DbError> {
        self.run_blocking(|conn| migration::migrate(conn, phase))
    }

    /// The migrations that this version knows or the database has had, in their order.
    pub fn migrations(&self) -> Result<Vec<MigrationState>, DbError> {
        self.run_blocking(migration::state)
    }

    /// Refuses a database that `firn-manage db sync` of this version has not seen: its services would
    /// fail at one query or another.
    pub fn demand_schema(&self) -> Result<(), DbError> {
        self.run_blocking(crate::schema_age::demand)
    }

    /// What an administrator of the database server should change, a sentence each.
    pub fn advice(&self) -> Result<Vec<String>, DbError> {
        self.run_blocking(crate::advice::advice)
    }

    /// Runs queries on a thread that may block. Each query is its own transaction; use
    /// [`crate::transaction`] inside to bind several.
    pub async fn run<T, F>(&self, queries: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    {
        let database = self.clone();
        let deadline = self.pool.options().deadline;
        let work = tokio::task::spawn_blocking(move || database.run_blocking(queries));
        match tokio::time::timeout(deadline, work).await {
            Ok(done) => done.map_err(|source| DbError::Panicked { source })?,
            Err(_) => Err(DbError::Unavailable { source: Box::new(TooSlow(deadline)) }),
        }
    }

    /// Runs queries on this thread.
    pub fn run_blocking<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let mut conn = self.pool.get()?;
        let answer = queries(&mut conn);
        if let Err(DbError::Lost { .. }) = &answer {
            conn.lost();
        }
        answer
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(self.pool.target()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use firn_core::ErrorKind;

    use super::*;

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
    fn what_cannot_be_reached_is_unavailable_at_once_and_hides_its_password() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for url in [
            "sqlite:///nowhere/at/all/firn.db".to_owned(),
            format!("mysql+pymysql://firn:veiled@{refused}/firn"),
            format!("postgresql://firn:veiled@{refused}/firn"),
        ] {
            let started = Instant::now();
            let error = Database::open(&url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{url}");
            assert!(started.elapsed() < Duration::from_secs(5));
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(!format!("{error} {error:?} {source}").contains("veiled"));
        }
    }

    #[test]
    fn a_start_waits_for_its_server_as_often_as_it_is_told() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let retry_interval = Duration::from_millis(50);
        let options =
            PoolOptions { max_retries: Some(3), retry_interval, ..PoolOptions::default() };
        let started = Instant::now();
        Database::open_with(&format!("postgresql://u@{refused}/d"), &options).unwrap_err();
        assert!(started.elapsed() >= 3 * retry_interval);
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

    #[tokio::test]
    async fn a_query_that_never_ends_is_unavailable() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("firn.db").display());
        let options =
            PoolOptions { deadline: Duration::from_millis(100), ..PoolOptions::default() };
        let database = Database::open_with(&url, &options).unwrap();
        let slow = database.run(|_| {
            thread::sleep(Duration::from_millis(600));
            Ok(())
        });
        assert_eq!(slow.await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
