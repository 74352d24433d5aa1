use std::fmt;

use crate::{AnyConnection, Connection};

/// Which kind of database is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// A file on this host.
    Sqlite,
    /// MariaDB or MySQL.
    Mysql,
    /// PostgreSQL.
    Postgresql,
}

impl Engine {
    /// What a connection speaks to.
    pub fn of(conn: &Connection) -> Self {
        match conn {
            AnyConnection::Sqlite(_) => Self::Sqlite,
            AnyConnection::Mysql(_) => Self::Mysql,
            AnyConnection::Postgresql(_) => Self::Postgresql,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Mysql => "MariaDB/MySQL",
            Self::Postgresql => "PostgreSQL",
        })
    }
}
