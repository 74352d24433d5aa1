use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, TransactionManager, TransactionManagerStatus};

use crate::{AnyConnection, DbError};

/// What every query takes.
pub type Connection = AnyConnection;

/// Runs `queries` in one write transaction: all of it is durable, or none.
///
/// SQLite takes its write lock at the start: a transaction that reads first and then finds the
/// lock taken could only fail, however long it waits. Inside another transaction this is a
/// savepoint.
pub fn transaction<T>(
    conn: &mut Connection,
    queries: impl FnOnce(&mut Connection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    type Manager = <Connection as diesel::Connection>::TransactionManager;
    if depth(conn) > 0 {
        return conn.transaction(queries);
    }
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
        }
    }
    match queries(conn) {
        Ok(value) => {
            Manager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(error) => match Manager::rollback_transaction(conn) {
            Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => Err(error),
            Err(rollback) => {
                tracing::warn!(error = %rollback, "a transaction could not be rolled back");
                Err(error)
            }
        },
    }
}

fn depth(conn: &mut Connection) -> u32 {
    type Manager = <Connection as diesel::Connection>::TransactionManager;
    match Manager::transaction_manager_status_mut(conn) {
        TransactionManagerStatus::Valid(status) => {
            status.transaction_depth().map_or(0, std::num::NonZero::get)
        }
        TransactionManagerStatus::InError => 0,
    }
}
