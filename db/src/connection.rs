// The derive brings diesel's `Connection` trait into scope by a glob of this module, so nothing
// else of that name may be here.
use diesel::{MysqlConnection, PgConnection, SqliteConnection};

/// One connection to any of the databases we speak to. Queries are written against this type
/// alone.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// SQLite, compiled in.
    Sqlite(SqliteConnection),
    /// MariaDB or MySQL, by the C client of either.
    Mysql(MysqlConnection),
    /// PostgreSQL, by libpq.
    Postgresql(PgConnection),
}
