use std::thread;
use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, TransactionManager, TransactionManagerStatus};
use rand::Rng;

use crate::{AnyConnection, DbError};

/// What every query takes.
pub type Connection = AnyConnection;

type Manager = <Connection as diesel::Connection>::TransactionManager;

/// A transaction that was a deadlock's victim, or lost a race, is run again that often at most.
const RETRIES: u32 = 12;
/// Those that met that often go on one after the other: where many want the same rows in different
/// orders, each victim that comes back would be in the way of the next.
const MEETINGS: u32 = 3;
/// Held by the one that goes on.
const TURN: &str = "transactions that met";
/// One that waited in vain for a lock has waited long already.
const LOCK_RETRIES: u32 = 1;
/// The first pause is up to this long; each further one up to twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Runs `queries` in one write transaction: all of it is durable, or none.
///
/// Where the database breaks the transaction off because of others that run beside it (deadlock,
/// serialization failure, lock wait timeout), it is run again as a whole: `queries` must do
/// nothing that lasts but through its connection. Nothing else is retried; after a lost
/// connection, in particular, nobody can tell whether a commit arrived.
///
/// Reads see what was committed before each of them. What is decided on by reading needs the row
/// locked first, a compare-and-set, or [`transaction_lock`]. SQLite takes its one write lock at
/// the start: a transaction that reads first and then finds the lock taken could only fail,
/// however long it waits. Inside another transaction this is a savepoint, and the outer one is
/// what is run again.
pub fn transaction<T>(
    conn: &mut Connection,
    mut queries: impl FnMut(&mut Connection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    if depth(conn) > 0 {
        return conn.transaction(|conn| queries(conn));
    }
    let (mut retries, mut lock_retries) = (0, 0);
    loop {
        let error = match once(conn, retries >= MEETINGS, &mut queries) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match &error {
            DbError::Interrupted { .. } if retries < RETRIES => retries += 1,
            DbError::Locked { .. } if lock_retries < LOCK_RETRIES => lock_retries += 1,
            _ => return Err(error),
        }
        tracing::debug!(error = ?error, retries, lock_retries, "a transaction is run again");
        thread::sleep(pause(retries));
    }
}

/// A random time, so that those who met do not meet again; longer and longer.
fn pause(retries: u32) -> Duration {
    let most = (FIRST_PAUSE * 2_u32.saturating_pow(retries.min(16))).min(LONGEST_PAUSE);
    most.mul_f64(rand::rng().random_range(0.0..1.0))
}

fn once<T>(
    conn: &mut Connection,
    in_turn: bool,
    queries: &mut impl FnMut(&mut Connection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
        }
        AnyConnection::Mysql(_) | AnyConnection::Postgresql(_) => {
            Manager::begin_transaction(conn)?;
        }
    }
    let turn = if in_turn { transaction_lock(conn, TURN) } else { Ok(()) };
    match turn.and_then(|()| queries(conn)) {
        Ok(value) => {
            Manager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(error) => match Manager::rollback_transaction(conn) {
            Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => Err(error),
            // The server rolls back whatever it hears no more of.
            Err(_) if matches!(error, DbError::Lost { .. }) => Err(error),
            Err(rollback) => {
                tracing::warn!(error = %rollback, "a transaction could not be rolled back");
                Err(error)
            }
        },
    }
}

fn depth(conn: &mut Connection) -> u32 {
    match Manager::transaction_manager_status_mut(conn) {
        TransactionManagerStatus::Valid(status) => {
            status.transaction_depth().map_or(0, std::num::NonZero::get)
        }
        TransactionManagerStatus::InError => 0,
    }
}

/// Takes a lock that holds until the end of the transaction: of those who name the same thing,
/// one is at work at a time. What others committed under it before is seen by reads after it.
///
/// Of several locks take the one of the smaller name first, so that deadlocks stay rare.
///
/// # Errors
/// `InvalidInput` outside a transaction; `Unavailable` after waiting too long.
pub fn transaction_lock(conn: &mut Connection, name: &str) -> Result<(), DbError> {
    use diesel::prelude::*;
    if depth(conn) == 0 {
        return Err(DbError::invalid("transaction_lock", "is taken inside a transaction"));
    }
    let sql = "SELECT id FROM named_locks WHERE id = ";
    let id = slot(name);
    match conn {
        // It has the lock of all locks already.
        AnyConnection::Sqlite(_) => {}
        AnyConnection::Mysql(mysql) => {
            diesel::sql_query(format!("{sql}{id} FOR UPDATE")).execute(mysql)?;
        }
        AnyConnection::Postgresql(postgresql) => {
            diesel::sql_query(format!("{sql}{id} FOR UPDATE")).execute(postgresql)?;
        }
    }
    Ok(())
}

/// Rows that stand for names; made by a migration. Two names may share one, which costs waiting
/// and nothing else.
const SLOTS: u64 = 256;

/// FNV-1a: the same in every version and process that works on one database.
fn slot(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_stay_what_they_are() {
        // A process of another version would lock something else.
        assert_eq!(
            [slot(""), slot("project/a"), slot("project/b")].map(|slot| slot < SLOTS),
            [true; 3]
        );
        assert_eq!(slot("project/a"), slot("project/a"));
        assert_ne!(slot("project/a"), slot("project/b"));
    }

    #[test]
    fn pauses_grow_and_end() {
        for retries in 0..40 {
            assert!(pause(retries) <= LONGEST_PAUSE);
        }
        assert!((0..100).map(|_| pause(0)).max() <= Some(FIRST_PAUSE));
        assert!((0..100).map(|_| pause(9)).max() > Some(FIRST_PAUSE * 4));
    }
}
