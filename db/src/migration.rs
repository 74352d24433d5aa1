use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{AnyConnection, Connection, DbError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Brings the schema up to date. Returns the names of the migrations that ran.
pub(crate) fn migrate(conn: &mut Connection) -> Result<Vec<String>, DbError> {
    match conn {
        AnyConnection::Sqlite(sqlite) => sqlite.run_pending_migrations(SQLITE),
    }
    .map(|versions| versions.iter().map(ToString::to_string).collect())
    .map_err(|source| DbError::Migration { source })
}
