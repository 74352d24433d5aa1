//! A new connection, and what is set on it, so that all databases behave alike.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{Connection as _, MysqlConnection, PgConnection, SqliteConnection};

use crate::url::Target;
use crate::{AnyConnection, Connection, DbError, Engine};

/// A transaction of ours lasts milliseconds: one that does nothing for so long belongs to a
/// process that hangs, and holds rows that others wait for.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

/// Why no connection could be made: what the client says, without the password.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ConnectError {
    message: String,
}

/// Connects. `lock_wait` is how long a statement waits for rows that others hold.
pub(crate) fn connect(
    target: &Target,
    mysql_sql_mode: &str,
    lock_wait: Duration,
) -> Result<Connection, DbError> {
    let unavailable = |message: &dyn std::fmt::Display| DbError::Unavailable {
        source: Box::new(ConnectError { message: target.hide(&message.to_string()) }),
    };
    let url = &target.client_url;
    let mut conn = match target.engine {
        Engine::Sqlite => SqliteConnection::establish(url).map(AnyConnection::Sqlite),
        Engine::Mysql => MysqlConnection::establish(url).map(AnyConnection::Mysql),
        Engine::Postgresql => PgConnection::establish(url).map(AnyConnection::Postgresql),
    }
    .map_err(|error| unavailable(&error))?;
    if target.tls && !encrypted(&mut conn).map_err(|error| unavailable(&error))? {
        return Err(unavailable(&"the server does not encrypt, and the URL demands it"));
    }
    let settings = settings(target.engine, mysql_sql_mode, lock_wait);
    conn.batch_execute(&settings).map_err(|error| unavailable(&error))?;
    Ok(conn)
}

fn settings(engine: Engine, mysql_sql_mode: &str, lock_wait: Duration) -> String {
    let idle = IDLE_IN_TRANSACTION.as_secs();
    match engine {
        // Synchronous FULL: what was answered to a client survives a power cut.
        Engine::Sqlite => format!(
            "PRAGMA busy_timeout = {};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;",
            lock_wait.as_millis()
        ),
        // Strict, so that what does not fit is an error and is not cut off. Committed reads, as
        // in PostgreSQL: with gaps unlocked, writers meet less often. Messages in English, for we
        // tell errors apart by them.
        Engine::Mysql => format!(
            "SET SESSION sql_mode = '{}';
             SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
             SET SESSION innodb_lock_wait_timeout = {};
             SET SESSION lc_messages = 'en_US';
             /*M!100300 SET SESSION idle_transaction_timeout = {idle} */;",
            mysql_sql_mode.replace(['\'', '\\'], ""),
            lock_wait.as_secs().max(1)
        ),
        Engine::Postgresql => format!(
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
             SET lock_timeout = {};
             SET idle_in_transaction_session_timeout = {};",
            lock_wait.as_millis(),
            IDLE_IN_TRANSACTION.as_millis()
        ),
    }
}

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

fn encrypted(conn: &mut Connection) -> QueryResult<bool> {
    match conn {
        AnyConnection::Mysql(mysql) => {
            let rows: Vec<Status> =
                diesel::sql_query("SHOW SESSION STATUS LIKE 'Ssl_cipher'").load(mysql)?;
            Ok(rows.iter().any(|row| !row.value.is_empty()))
        }
        // libpq enforces its `sslmode` itself.
        AnyConnection::Sqlite(_) | AnyConnection::Postgresql(_) => Ok(true),
    }
}

/// Whether the server still answers on this connection.
pub(crate) fn alive(conn: &mut Connection) -> bool {
    conn.batch_execute("SELECT 1").is_ok()
}
