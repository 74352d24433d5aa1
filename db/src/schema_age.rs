//! Whether the schema is new enough for this version of Firn.

use std::collections::HashSet;

use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

use crate::migration::{CONTRACTING, SQLITE, failed};
use crate::{Connection, DbError};

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Refuses a schema that lacks what an expanding migration adds. Only reads: services need not be
/// allowed to change the schema.
pub(crate) fn demand(conn: &mut Connection) -> Result<(), DbError> {
    let query = diesel::sql_query("SELECT version FROM __diesel_schema_migrations");
    let applied: HashSet<String> = match query.load::<Applied>(conn) {
        Ok(rows) => rows.into_iter().map(|row| row.version).collect(),
        // There is no such table before the first migration.
        Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)) => HashSet::new(),
        Err(error) => return Err(error.into()),
    };
    // The migrations of all engines have the same names.
    let known: Vec<Box<dyn Migration<Sqlite>>> = SQLITE.migrations().map_err(failed)?;
    let names = known.iter().map(|one| (one.name().to_string(), one.name().version().to_string()));
    let mut needed = names.filter(|(name, _)| !name.ends_with(CONTRACTING));
    match needed.find(|(_, version)| !applied.contains(version)) {
        Some((first, _)) => Err(DbError::Outdated { first }),
        None => Ok(()),
    }
}
