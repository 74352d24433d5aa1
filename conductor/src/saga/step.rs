use std::error::Error;

use async_trait::async_trait;
use firn_core::{ErrorKind, chain};
use serde_json::Value;

use super::JobContext;
use crate::worker::WorkerError;

/// One step of a saga. See the module's rules.
#[async_trait]
pub(crate) trait Step: Send + Sync {
    /// Its name in the journal and the API: a short snake_case verb.
    fn name(&self) -> &'static str;

    /// There is no way back once this one has been started, because it lets go of what undoing would
    /// need. From then on the job goes forward only: a cancel comes too late, and what fails is done
    /// again until it succeeds.
    fn commits(&self) -> bool {
        false
    }

    /// Does it. The output is journaled and readable by later steps.
    async fn run(&self, job: &JobContext) -> Result<Value, JobError>;

    /// Undoes it, whether or not `run` came to an end.
    async fn undo(&self, job: &JobContext) -> Result<(), JobError> {
        let _ = job;
        Ok(())
    }
}

/// The steps of a job that cannot be done at all.
pub(crate) fn refused(error: JobError) -> Vec<Box<dyn Step>> {
    vec![Box::new(Refuse(error))]
}

struct Refuse(JobError);

#[async_trait]
impl Step for Refuse {
    fn name(&self) -> &'static str {
        "refuse"
    }

    async fn run(&self, _: &JobContext) -> Result<Value, JobError> {
        Err(self.0.clone())
    }
}

/// Why a step failed, in words for the job's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct JobError {
    /// What the owner can act on.
    pub(crate) kind: ErrorKind,
    /// What happened, with its causes.
    pub(crate) message: String,
}

impl JobError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An error with all its causes; `doing` says what failed.
    pub(crate) fn from_chain(kind: ErrorKind, doing: &str, error: &dyn Error) -> Self {
        Self::new(kind, format!("{doing}: {}", chain(error)))
    }
}

impl From<WorkerError> for JobError {
    fn from(error: WorkerError) -> Self {
        Self::new(error.kind(), chain(&error))
    }
}
