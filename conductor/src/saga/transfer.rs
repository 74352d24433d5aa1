//! What the sagas share: calls into the repository.

use std::sync::Arc;

use firn_core::{ErrorKind, JobId};
use firn_repository::{Repository, RepositoryError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::JobError;
use crate::repository;
use crate::services::Services;

/// Opens the repository and calls `work` on it, away from the async threads.
pub(crate) async fn in_repository<T: Send + 'static>(
    services: &Arc<Services>,
    work: impl FnOnce(&Repository) -> Result<T, RepositoryError> + Send + 'static,
) -> Result<T, JobError> {
    let access = services.config.repository.clone();
    let call = move || repository::open(&access).and_then(|repository| work(&repository));
    match tokio::task::spawn_blocking(call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(JobError::from_chain(error.kind(), "using the repository", &error)),
        Err(error) => {
            Err(JobError::from_chain(ErrorKind::Internal, "using the repository", &error))
        }
    }
}

/// Removes what a dead worker's session left in the repository.
pub(super) async fn forget_session(
    services: &Arc<Services>,
    job_id: JobId,
) -> Result<(), JobError> {
    in_repository(services, move |repository| repository.forget_session(job_id.0)).await
}

/// A step's output for the journal.
pub(super) fn journaled(output: &impl Serialize) -> Result<Value, JobError> {
    serde_json::to_value(output).map_err(|error| {
        JobError::from_chain(ErrorKind::Internal, "writing a step's output", &error)
    })
}

/// A worker's result.
pub(super) fn parse<T: DeserializeOwned>(result: Value) -> Result<T, JobError> {
    serde_json::from_value(result).map_err(|error| {
        JobError::from_chain(ErrorKind::Internal, "reading the worker's result", &error)
    })
}
