use std::error::Error as StdError;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use firn_core::ErrorKind;

/// Why a query gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No such row, or not in the caller's scope.
    #[error("no {resource} has the id {id}")]
    NotFound {
        /// What was looked for, as people call it: `restore point`.
        resource: &'static str,
        /// Its id.
        id: String,
    },
    /// The row's state forbids the change now, or another writer was first.
    #[error("{resource} {id} {reason}")]
    Conflict {
        /// What was to be changed.
        resource: &'static str,
        /// Its id.
        id: String,
        /// The rest of the sentence, such as `is being restored`.
        reason: String,
    },
    /// A unique or foreign key stands against the row.
    #[error("the row clashes with another one")]
    Constraint {
        /// What the database says.
        #[source]
        source: DieselError,
    },
    /// An argument is wrong.
    #[error("{field}: {message}")]
    InvalidInput {
        /// The argument.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The database is busy or cannot be reached; the same query may work later.
    #[error("the database does not answer now; try again")]
    Unavailable {
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The database's storage is full.
    #[error("the storage of the database is full; free some space there")]
    Full {
        /// What the database says.
        #[source]
        source: DieselError,
    },
    /// The database URL cannot be used.
    #[error("the database URL {url} cannot be used: {message}")]
    Url {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        message: &'static str,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be migrated; restore the database or report this")]
    Migration {
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The closure given to `run` panicked.
    #[error("a query panicked; report this")]
    Panicked {
        /// The failed task.
        #[source]
        source: tokio::task::JoinError,
    },
    /// Anything that nobody planned for.
    #[error("a query failed; report this")]
    Query {
        /// What the database, or diesel, says.
        #[source]
        source: DieselError,
    },
}

impl DbError {
    /// What a caller can act on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } | Self::Constraint { .. } => ErrorKind::Conflict,
            Self::InvalidInput { .. } | Self::Url { .. } => ErrorKind::InvalidInput,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Full { .. } => ErrorKind::QuotaExceeded,
            Self::Migration { .. } | Self::Panicked { .. } | Self::Query { .. } => {
                ErrorKind::Internal
            }
        }
    }

    pub(crate) fn not_found(resource: &'static str, id: impl ToString) -> Self {
        Self::NotFound { resource, id: id.to_string() }
    }

    pub(crate) fn conflict(
        resource: &'static str,
        id: impl ToString,
        reason: impl Into<String>,
    ) -> Self {
        Self::Conflict { resource, id: id.to_string(), reason: reason.into() }
    }

    /// A marker that cannot be found is the caller's mistake, not a missing resource.
    pub(crate) fn unknown_marker(self, id: impl ToString) -> Self {
        match self {
            Self::NotFound { .. } => Self::invalid(
                "marker",
                format!("no row of this list has the id {}", id.to_string()),
            ),
            other => other,
        }
    }

    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidInput { field, message: message.into() }
    }
}

impl From<DieselError> for DbError {
    fn from(source: DieselError) -> Self {
        use DatabaseErrorKind as K;
        let DieselError::DatabaseError(kind, info) = &source else {
            return Self::Query { source };
        };
        // SQLite's own result codes do not come through diesel, only their texts.
        let text = info.message();
        match kind {
            K::UniqueViolation | K::ForeignKeyViolation => Self::Constraint { source },
            K::SerializationFailure | K::ClosedConnection => {
                Self::Unavailable { source: Box::new(source) }
            }
            K::Unknown if text.contains("is locked") => {
                Self::Unavailable { source: Box::new(source) }
            }
            K::Unknown if text.contains("disk is full") => Self::Full { source },
            _ => Self::Query { source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(kind: DatabaseErrorKind, text: &str) -> DbError {
        DieselError::DatabaseError(kind, Box::new(text.to_owned())).into()
    }

    #[test]
    fn causes_map_to_what_a_caller_can_do() {
        use DatabaseErrorKind as K;
        for (error, kind) in [
            (database(K::UniqueViolation, "UNIQUE constraint failed"), ErrorKind::Conflict),
            (database(K::ForeignKeyViolation, "FOREIGN KEY"), ErrorKind::Conflict),
            (database(K::Unknown, "database is locked"), ErrorKind::Unavailable),
            (database(K::SerializationFailure, "deadlock"), ErrorKind::Unavailable),
            (database(K::ClosedConnection, "gone"), ErrorKind::Unavailable),
            (database(K::Unknown, "database or disk is full"), ErrorKind::QuotaExceeded),
            (database(K::Unknown, "no such table: jobs"), ErrorKind::Internal),
            (DieselError::NotFound.into(), ErrorKind::Internal),
        ] {
            assert_eq!(error.kind(), kind, "{error:?}");
        }
    }

    #[test]
    fn display_does_not_repeat_the_source() {
        let error = database(DatabaseErrorKind::Unknown, "no such table: secrets");
        assert!(!error.to_string().contains("secrets"));
        assert!(error.source().is_some());
    }
}
