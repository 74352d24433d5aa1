//! What a database's error means to us.
//!
//! Diesel tells few of them apart and hands on no error codes, so the rest goes by the servers'
//! texts. MariaDB and MySQL are told to speak English; PostgreSQL lets only its administrator
//! choose (`lc_messages`), and says codes in no other way.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// What can be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A unique or foreign key, or a check.
    Constraint,
    /// The connection is gone, or the server behind it can do nothing for now.
    Lost,
    /// A deadlock's victim, or not serializable: the whole transaction may be run again.
    Interrupted,
    /// Waited for a lock for as long as is waited.
    Locked,
    /// SQLite's one lock was taken for as long as is waited.
    Busy,
    /// No space is left.
    Full,
    /// A text is longer than its column.
    TooLong,
    /// Anything else.
    Other,
}

/// Part of a message in lower case, and what it means. MariaDB, MySQL, PostgreSQL, libpq, SQLite.
const TEXTS: &[(&str, Cause)] = &[
    // 1213, 1020; 40P01, 40001.
    ("deadlock", Cause::Interrupted),
    ("record has changed since last read", Cause::Interrupted),
    ("could not serialize access", Cause::Interrupted),
    // 1205; 55P03.
    ("lock wait timeout exceeded", Cause::Locked),
    ("canceling statement due to lock timeout", Cause::Locked),
    ("database is locked", Cause::Busy),
    ("database table is locked", Cause::Busy),
    // 2006, 2013, 1927, 1053, 4031; Galera's 1047.
    ("server has gone away", Cause::Lost),
    ("lost connection to", Cause::Lost),
    ("connection was killed", Cause::Lost),
    ("server shutdown in progress", Cause::Lost),
    ("disconnected by the server because of inactivity", Cause::Lost),
    ("wsrep has not yet prepared node", Cause::Lost),
    ("wsrep detected deadlock", Cause::Interrupted),
    ("can't connect to", Cause::Lost),
    ("idle_transaction_timeout", Cause::Lost),
    ("too many connections", Cause::Lost),
    // Failed over: this one is no longer the primary.
    ("is running with the --read-only option", Cause::Lost),
    ("in a read-only transaction", Cause::Lost),
    // 57P01 to 57P03, 25P03, 08xxx.
    ("terminating connection", Cause::Lost),
    ("the database system is", Cause::Lost),
    ("idle-in-transaction timeout", Cause::Lost),
    ("server closed the connection", Cause::Lost),
    ("connection has been closed", Cause::Lost),
    ("no connection to the server", Cause::Lost),
    ("could not receive data from server", Cause::Lost),
    ("could not send data to server", Cause::Lost),
    ("connection not open", Cause::Lost),
    ("ssl syscall error", Cause::Lost),
    ("crash of another server process", Cause::Lost),
    // 1406; 22001; our triggers in SQLite.
    ("data too long for column", Cause::TooLong),
    ("value too long for type character", Cause::TooLong),
    ("text too long for column", Cause::TooLong),
    // SQLite's; 1114; 1021; 53100; errno 28 within another text.
    ("database or disk is full", Cause::Full),
    ("disk full", Cause::Full),
    ("no space left on device", Cause::Full),
];

impl Cause {
    /// What `error` means.
    pub(crate) fn of(error: &DieselError) -> Self {
        use DatabaseErrorKind as K;
        let (kind, info) = match error {
            DieselError::DatabaseError(kind, info) => (kind, info),
            // A rollback failed, as after a lost connection: nothing runs on it any more.
            DieselError::BrokenTransactionManager => return Self::Lost,
            DieselError::RollbackErrorOnCommit { .. } => return Self::Lost,
            _ => return Self::Other,
        };
        match kind {
            // Our only checks, in SQLite.
            K::CheckViolation if info.message().contains("text_too_long") => Self::TooLong,
            K::UniqueViolation | K::ForeignKeyViolation | K::CheckViolation => Self::Constraint,
            K::RestrictViolation | K::ExclusionViolation => Self::Constraint,
            K::SerializationFailure => Self::Interrupted,
            K::ClosedConnection | K::ReadOnlyTransaction => Self::Lost,
            _ => by_text(info.message()),
        }
    }
}

fn by_text(message: &str) -> Cause {
    let message = message.to_lowercase();
    if message.starts_with("the table '") && message.ends_with("' is full") {
        return Cause::Full;
    }
    TEXTS.iter().find(|(text, _)| message.contains(text)).map_or(Cause::Other, |(_, cause)| *cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(kind: DatabaseErrorKind, text: &str) -> Cause {
        Cause::of(&DieselError::DatabaseError(kind, Box::new(text.to_owned())))
    }

    #[test]
    fn causes_map_to_what_a_caller_can_do() {
        use DatabaseErrorKind as K;
        for (kind, text, expected) in [
            (K::UniqueViolation, "UNIQUE constraint failed", Cause::Constraint),
            (K::ForeignKeyViolation, "FOREIGN KEY", Cause::Constraint),
            (K::Unknown, "database is locked", Cause::Busy),
            (K::SerializationFailure, "Deadlock found", Cause::Interrupted),
            (
                K::Unknown,
                "Deadlock found when trying to get lock; try restarting transaction",
                Cause::Interrupted,
            ),
            (K::Unknown, "deadlock detected", Cause::Interrupted),
            (K::Unknown, "Lock wait timeout exceeded; try restarting transaction", Cause::Locked),
            (K::Unknown, "canceling statement due to lock timeout", Cause::Locked),
            (K::ClosedConnection, "gone", Cause::Lost),
            (K::Unknown, "Server has gone away", Cause::Lost),
            (K::Unknown, "MySQL server has gone away", Cause::Lost),
            (K::Unknown, "Lost connection to server during query", Cause::Lost),
            (K::Unknown, "terminating connection due to administrator command", Cause::Lost),
            (K::Unknown, "server closed the connection unexpectedly\n\tThis", Cause::Lost),
            (K::Unknown, "Data too long for column 'name' at row 1", Cause::TooLong),
            (K::Unknown, "value too long for type character varying(255)", Cause::TooLong),
            (K::Unknown, "database or disk is full", Cause::Full),
            (K::Unknown, "The table 'jobs' is full", Cause::Full),
            (K::Unknown, "no such table: jobs", Cause::Other),
        ] {
            assert_eq!(cause(kind, text), expected, "{text}");
        }
        assert_eq!(Cause::of(&DieselError::NotFound), Cause::Other);
        assert_eq!(Cause::of(&DieselError::BrokenTransactionManager), Cause::Lost);
    }
}
