//! Bringing the schema up to date, by one process at a time.
//!
//! Migrations come in two kinds, told apart by name. *Expanding* ones only add, and run while
//! services of the version before are at work; *contracting* ones, whose names end in
//! `_contract`, remove what nobody uses any more, and run when the last of those has gone.

use std::thread;
use std::time::{Duration, Instant};

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{AnyConnection, Connection, DbError, transaction};

pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/mysql");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgres");

pub(crate) const CONTRACTING: &str = "_contract";

/// How long one process waits for another that migrates.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);
/// Names the advisory lock, and is its number in PostgreSQL: "firn".
const LOCK: i64 = 0x6669_726e;

/// Which migrations to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// All, in their order. Services of another version must not be running.
    #[default]
    All,
    /// Those that add, which services of the version before do not notice.
    Expand,
    /// Those that remove; refused while expanding ones are pending.
    Contract,
}

/// One migration that this version knows, or that the database has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// `2026-11-23-000001_initial`; the bare version where this version of Firn does not know it.
    pub name: String,
    /// Its place in the order, and its key in the database.
    pub version: String,
    /// It removes something.
    pub contracting: bool,
    /// The database has had it.
    pub applied: bool,
    /// This version of Firn has it. An applied one that is not known was made by a newer version.
    pub known: bool,
}

/// All migrations, in their order.
pub(crate) fn state(conn: &mut Connection) -> Result<Vec<MigrationState>, DbError> {
    match conn {
        AnyConnection::Sqlite(conn) => state_of(conn, SQLITE),
        AnyConnection::Mysql(conn) => state_of(conn, MYSQL),
        AnyConnection::Postgresql(conn) => state_of(conn, POSTGRESQL),
    }
}

/// Runs the pending migrations of a phase. Returns their names.
pub(crate) fn migrate(conn: &mut Connection, phase: Phase) -> Result<Vec<String>, DbError> {
    match conn {
        // All in one transaction, which also keeps other processes out.
        AnyConnection::Sqlite(_) => transaction(conn, |conn| match conn {
            AnyConnection::Sqlite(conn) => run(conn, SQLITE, phase),
            _ => Ok(Vec::new()),
        }),
        AnyConnection::Mysql(_) | AnyConnection::Postgresql(_) => {
            lock(conn)?;
            let ran = match conn {
                AnyConnection::Mysql(conn) => run(conn, MYSQL, phase),
                AnyConnection::Postgresql(conn) => run(conn, POSTGRESQL, phase),
                AnyConnection::Sqlite(_) => Ok(Vec::new()),
            };
            // A connection that was lost has lost its lock with it.
            let unlocked = unlock(conn);
            let ran = ran?;
            unlocked?;
            Ok(ran)
        }
    }
}

pub(crate) fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    match source.downcast::<diesel::result::Error>() {
        Ok(source) => match DbError::from(*source) {
            DbError::Query { source } => DbError::Migration { source: Box::new(source) },
            other => other,
        },
        Err(source) => DbError::Migration { source },
    }
}

fn run<C, DB>(
    conn: &mut C,
    source: EmbeddedMigrations,
    phase: Phase,
) -> Result<Vec<String>, DbError>
where
    C: MigrationHarness<DB>,
    DB: Backend,
{
    let pending = conn.pending_migrations(source).map_err(failed)?;
    let mut names = pending.iter().map(|migration| name(migration.as_ref()));
    if phase == Phase::Contract
        && let Some(first) = names.find(|name| !name.ends_with(CONTRACTING))
    {
        let message = format!("{first} is pending: run the expanding ones first");
        return Err(DbError::invalid("contract", message));
    }
    let mut ran = Vec::new();
    for migration in &pending {
        let name = name(migration.as_ref());
        if phase == Phase::Expand && name.ends_with(CONTRACTING) {
            continue;
        }
        conn.run_migration(migration).map_err(failed)?;
        ran.push(name);
    }
    Ok(ran)
}

fn name<DB: Backend>(migration: &dyn Migration<DB>) -> String {
    migration.name().to_string()
}

fn state_of<C, DB>(conn: &mut C, source: EmbeddedMigrations) -> Result<Vec<MigrationState>, DbError>
where
    C: MigrationHarness<DB>,
    DB: Backend,
{
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
    let applied: Vec<String> = conn
        .applied_migrations()
        .map_err(failed)?
        .iter()
        .map(|version| version.to_string())
        .collect();
    let mut states: Vec<_> = known
        .iter()
        .map(|migration| {
            let name = name(migration.as_ref());
            let version = migration.name().version().to_string();
            MigrationState {
                contracting: name.ends_with(CONTRACTING),
                applied: applied.contains(&version),
                known: true,
                name,
                version,
            }
        })
        .collect();
    for version in applied {
        if !states.iter().any(|state| state.version == version) {
            let name = version.clone();
            let (contracting, applied, known) = (false, true, false);
            states.push(MigrationState { name, version, contracting, applied, known });
        }
    }
    states.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(states)
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Nullable<BigInt>)]
    answer: Option<i64>,
}

/// Asks the server for the lock of migrations until it is ours. It ends with the connection.
fn lock(conn: &mut Connection) -> Result<(), DbError> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let rows: Vec<Answer> = match conn {
            AnyConnection::Mysql(conn) => {
                let sql = format!("SELECT GET_LOCK('firn.{LOCK}', 1) AS answer");
                diesel::sql_query(sql).load(conn)?
            }
            AnyConnection::Postgresql(conn) => {
                let sql = format!(
                    "SELECT CASE WHEN pg_try_advisory_lock({LOCK}) THEN 1 ELSE 0 END::bigint \
                     AS answer"
                );
                diesel::sql_query(sql).load(conn)?
            }
            AnyConnection::Sqlite(_) => return Ok(()),
        };
        if rows.first().and_then(|row| row.answer) == Some(1) {
            return Ok(());
        }
        tracing::info!("another process brings the schema up to date; waiting for it");
        thread::sleep(LOOK);
    }
    Err(DbError::conflict("schema", "migration", "is held by another process for too long"))
}

fn unlock(conn: &mut Connection) -> Result<(), DbError> {
    match conn {
        AnyConnection::Mysql(conn) => {
            diesel::sql_query(format!("DO RELEASE_LOCK('firn.{LOCK}')")).execute(conn)?;
        }
        AnyConnection::Postgresql(conn) => {
            diesel::sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(conn)?;
        }
        AnyConnection::Sqlite(_) => {}
    }
    Ok(())
}
