use std::time::Duration;

use crate::{Database, DbError, PoolOptions};

oslo_config::options! {
    /// The database.
    pub struct DatabaseOptions in "database" {
        /// Where it is: mysql+pymysql://user:password@host/firn?charset=utf8mb4,
        /// postgresql://user:password@host/firn, or sqlite:////var/lib/firn/firn.sqlite.
        pub connection: String = "sqlite:////var/lib/firn/firn.sqlite", secret;
        /// Connections that are kept open.
        pub max_pool_size: u32 = 8, min 1, max 1000;
        /// Connections beyond these while many queries run at once.
        pub max_overflow: u32 = 24, max 1000;
        /// Seconds that a query waits for a free connection.
        pub pool_timeout: u64 = 10, min 1, max 600;
        /// Age in seconds at which a connection is closed rather than used.
        pub connection_recycle_time: u64 = 3600, min 1;
        /// How often a server that cannot be reached is tried again at the start; -1: without
        /// end.
        pub max_retries: i64 = 10, min -1;
        /// Seconds between these.
        pub retry_interval: u64 = 10, min 1, max 600;
        /// sql_mode of MySQL and MariaDB.
        pub mysql_sql_mode: String = "TRADITIONAL";
    }
}

impl DatabaseOptions {
    /// Opens the database for a service of this version.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and a schema that is too old.
    pub fn open_synced(&self) -> Result<Database, DbError> {
        let database = self.open()?;
        database.demand_schema()?;
        Ok(database)
    }

    /// Opens the database. The thread waits for a server that is not there yet.
    ///
    /// # Errors
    /// A URL that is none, and a server that stays away.
    pub fn open(&self) -> Result<Database, DbError> {
        let options = PoolOptions {
            size: self.max_pool_size,
            overflow: self.max_overflow,
            wait: Duration::from_secs(self.pool_timeout),
            recycle: Some(Duration::from_secs(self.connection_recycle_time)),
            max_retries: u32::try_from(self.max_retries).ok(),
            retry_interval: Duration::from_secs(self.retry_interval),
            mysql_sql_mode: self.mysql_sql_mode.clone(),
            ..PoolOptions::default()
        };
        Database::open_with(&self.connection, &options)
    }
}
