// The derive brings diesel's `Connection` trait into scope by a glob of this module, so nothing
// else of that name may be here.
use diesel::SqliteConnection;

/// One connection to any of the databases we speak to. Queries are written against this type
/// alone, so that a database joins by adding its variant here.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// SQLite, compiled in.
    Sqlite(SqliteConnection),
}
