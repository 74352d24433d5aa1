use std::time::Duration;

/// How connections to a database are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// At most that many connections are kept open.
    pub size: u32,
    /// At most that many more are open while many queries run at once.
    pub overflow: u32,
    /// How long a query waits for a free connection before it fails with `Unavailable`.
    pub wait: Duration,
    /// How long a statement waits for rows that another transaction holds before it fails with
    /// `Unavailable`.
    pub lock_wait: Duration,
    /// A connection older than this is closed rather than used; `None`: never.
    pub recycle: Option<Duration>,
    /// When opening the database fails, it is tried that many times more; `None`: without end.
    pub max_retries: Option<u32>,
    /// How long to wait between these.
    pub retry_interval: Duration,
    /// The deadline of everything that one [`crate::Database::run`] does: its caller gets
    /// `Unavailable`, though the server may still carry it out.
    pub deadline: Duration,
    /// MariaDB's and MySQL's `sql_mode`.
    pub mysql_sql_mode: String,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            size: 8,
            overflow: 24,
            wait: Duration::from_secs(10),
            lock_wait: Duration::from_secs(10),
            recycle: Some(Duration::from_secs(3600)),
            max_retries: Some(0),
            retry_interval: Duration::from_secs(10),
            deadline: Duration::from_secs(120),
            mysql_sql_mode: "TRADITIONAL".to_owned(),
        }
    }
}
