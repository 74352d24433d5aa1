use std::error::Error as StdError;

use diesel::result::Error as DieselError;
use firn_core::ErrorKind;

use crate::cause::Cause;

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
    /// The connection was lost while the query ran. Whether a commit under way arrived, nobody
    /// can tell.
    #[error("the connection to the database was lost; try again")]
    Lost {
        /// What the client says.
        #[source]
        source: DieselError,
    },
    /// The database broke the transaction off in favour of another one, and it was tried again
    /// in vain.
    #[error("the database is busy with the same rows; try again")]
    Interrupted {
        /// What the database says.
        #[source]
        source: DieselError,
    },
    /// Others held the rows for too long.
    #[error("the database is busy with the same rows; try again")]
    Locked {
        /// What the database says.
        #[source]
        source: DieselError,
    },
    /// The project's quota does not allow it.
    #[error(
        "the project's quota of {resource} is {limit}: {used} are in use and {requested} more were \
         asked for"
    )]
    Quota {
        /// What there is too much of: `restore_points`.
        resource: &'static str,
        /// How much the project may have.
        limit: u64,
        /// How much it has, what is being made included.
        used: u64,
        /// How much more was asked for.
        requested: u64,
    },
    /// A text is longer than its column.
    #[error("a text is too long for the database")]
    TooLong {
        /// What the database says.
        #[source]
        source: DieselError,
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
        message: String,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be migrated; restore the database or report this")]
    Migration {
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The schema is older than this version of Firn.
    #[error("the database lacks {first}: run `firn-manage db sync`, then start this again")]
    Outdated {
        /// The first migration that it has not had.
        first: String,
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
            Self::Conflict { .. } | Self::Constraint { .. } | Self::Outdated { .. } => {
                ErrorKind::Conflict
            }
            Self::InvalidInput { .. } | Self::Url { .. } | Self::TooLong { .. } => {
                ErrorKind::InvalidInput
            }
            Self::Unavailable { .. }
            | Self::Lost { .. }
            | Self::Interrupted { .. }
            | Self::Locked { .. } => ErrorKind::Unavailable,
            Self::Full { .. } | Self::Quota { .. } => ErrorKind::QuotaExceeded,
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

    /// Another writer made the row between our looking and our making it: looking again finds it.
    pub(crate) fn raced(self) -> Self {
        match self {
            Self::Constraint { source } => Self::Interrupted { source },
            other => other,
        }
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
        match Cause::of(&source) {
            Cause::Constraint => Self::Constraint { source },
            Cause::Lost => Self::Lost { source },
            Cause::Interrupted => Self::Interrupted { source },
            Cause::Locked => Self::Locked { source },
            Cause::Busy => Self::Unavailable { source: Box::new(source) },
            Cause::Full => Self::Full { source },
            Cause::TooLong => Self::TooLong { source },
            Cause::Other => Self::Query { source },
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorKind;

    use super::*;

    #[test]
    fn display_does_not_repeat_the_source() {
        let text = Box::new("no such table: secrets".to_owned());
        let error: DbError = DieselError::DatabaseError(DatabaseErrorKind::Unknown, text).into();
        assert!(!error.to_string().contains("secrets"));
        assert!(error.source().is_some());
    }
}
