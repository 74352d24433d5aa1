use async_trait::async_trait;
use chrono::Utc;
use firn_core::{ErrorKind, JobState, StepState};
use firn_db::{Claim, Connection, Database, DbError, EventLevel, Scope};
use serde_json::Value;

use super::JobError;

/// One step's entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JournalEntry {
    /// Place in the saga, from 0.
    pub(crate) position: usize,
    /// How far it came.
    pub(crate) state: StepState,
    /// Its output, once done.
    pub(crate) output: Option<Value>,
}

/// What the journal knows of a job when it is claimed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct JournalState {
    /// Entries of the steps that were started.
    pub(crate) entries: Vec<JournalEntry>,
    /// Whether undo has begun.
    pub(crate) unwinding: bool,
    /// Why, where it was a failure and not a cancel.
    pub(crate) error: Option<JobError>,
}

/// Why the journal took no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The job was claimed by another conductor since.
    #[error("the job is no longer ours")]
    LeaseLost,
    /// The database does not answer, or found a defect.
    #[error("the journal cannot be written")]
    Database(#[source] firn_db::DbError),
}

/// A job's journal. Every write is refused once the job is not ours any more.
#[async_trait]
pub(crate) trait Journal: Send + Sync {
    /// What is there.
    async fn load(&self) -> Result<JournalState, JournalError>;
    /// A step is about to run.
    async fn started(&self, position: usize, name: &str) -> Result<(), JournalError>;
    /// A step ran to its end.
    async fn done(&self, position: usize, output: &Value) -> Result<(), JournalError>;
    /// A step has been undone.
    async fn undone(&self, position: usize) -> Result<(), JournalError>;
    /// Undo begins: after a failure, or after a cancel where there is no error.
    async fn unwinding(&self, error: Option<&JobError>) -> Result<(), JournalError>;
    /// Something good to know for the job's owner.
    async fn inform(&self, action: &str, text: &str) -> Result<(), JournalError>;
    /// Something that was done differently from what the owner asked.
    async fn warn(&self, action: &str, text: &str) -> Result<(), JournalError>;
}

/// The journal in the database, fenced by the job's claim.
pub(crate) struct DbJournal {
    database: Database,
    claim: Claim,
}

impl DbJournal {
    pub(crate) fn new(database: Database, claim: Claim) -> Self {
        Self { database, claim }
    }

    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Connection, &Claim) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let claim = self.claim;
        self.database.run(move |conn| write(conn, &claim)).await.map_err(|error| {
            match error.kind() {
                ErrorKind::Conflict => JournalError::LeaseLost,
                _ => JournalError::Database(error),
            }
        })
    }

    async fn event(&self, level: EventLevel, action: &str, text: &str) -> Result<(), JournalError> {
        let (action, text) = (action.to_owned(), text.to_owned());
        self.write(move |conn, claim| {
            firn_db::job_event_add(conn, claim.job_id, level, &action, &text, Utc::now())
        })
        .await
    }
}

#[async_trait]
impl Journal for DbJournal {
    async fn load(&self) -> Result<JournalState, JournalError> {
        self.write(|conn, claim| {
            let job = firn_db::job_get(conn, &Scope::All, claim.job_id)?;
            let steps = firn_db::job_step_list(conn, claim.job_id)?;
            let entry = |step: firn_db::JobStep| JournalEntry {
                position: step.position as usize,
                state: step.state,
                output: step.output,
            };
            let message = job.error_message.unwrap_or_default();
            Ok(JournalState {
                entries: steps.into_iter().map(entry).collect(),
                unwinding: job.state == JobState::Unwinding,
                error: job.error_kind.map(|kind| JobError::new(kind, message)),
            })
        })
        .await
    }

    async fn started(&self, position: usize, name: &str) -> Result<(), JournalError> {
        let name = name.to_owned();
        self.write(move |conn, claim| {
            firn_db::job_step_start(conn, claim, position as u32, &name, Utc::now())
        })
        .await
    }

    async fn done(&self, position: usize, output: &Value) -> Result<(), JournalError> {
        let output = Some(output.clone());
        self.write(move |conn, claim| {
            firn_db::job_step_done(conn, claim, position as u32, output, Utc::now())
        })
        .await
    }

    async fn undone(&self, position: usize) -> Result<(), JournalError> {
        self.write(move |conn, claim| {
            firn_db::job_step_undone(conn, claim, position as u32, Utc::now())
        })
        .await
    }

    async fn unwinding(&self, error: Option<&JobError>) -> Result<(), JournalError> {
        let error = error
            .map(|error| firn_db::JobError { kind: error.kind, message: error.message.clone() });
        self.write(move |conn, claim| {
            firn_db::job_unwind(conn, claim, error.as_ref(), Utc::now()).map(drop)
        })
        .await
    }

    async fn inform(&self, action: &str, text: &str) -> Result<(), JournalError> {
        self.event(EventLevel::Info, action, text).await
    }

    async fn warn(&self, action: &str, text: &str) -> Result<(), JournalError> {
        self.event(EventLevel::Warning, action, text).await
    }
}
