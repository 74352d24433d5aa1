//! The repository as a worker opens and watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_repository::{Control, PointRecord, Repository, RepositoryError};

use super::error::TaskError;
use super::link::Link;
use super::protocol::RepositoryAccess;
use crate::repository;

pub(super) fn open(access: &RepositoryAccess) -> Result<Repository, TaskError> {
    repository::open(access).map_err(|error| self::error("opening the repository", &error))
}

/// A repository's error as the task's.
pub(super) fn error(doing: &str, error: &RepositoryError) -> TaskError {
    if matches!(error, RepositoryError::Cancelled) {
        return TaskError::cancelled();
    }
    TaskError::from_chain(error.kind(), doing, error)
}

/// Cancels with the link and tells it the progress of one call.
pub(super) fn control(link: &Arc<Link>) -> Control {
    let link_ = Arc::clone(link);
    let told = AtomicU64::new(0);
    let progress = move |done: u64| {
        let before = told.fetch_max(done, Ordering::Relaxed);
        link_.advance(done.saturating_sub(before));
    };
    Control { cancel: link.cancel_flag(), progress: Some(Arc::new(progress)) }
}

/// How much of a point's disks is stored: everything that is not zero.
pub(super) fn data_bytes(repository: &Repository, point: &PointRecord) -> Result<u64, TaskError> {
    let mut bytes = 0;
    for disk in &point.disks {
        let extents = repository
            .open_disk(disk, &point.domain)
            .and_then(|reader| reader.data_extents())
            .map_err(|failure| {
                error(&format!("reading the map of disk {}", disk.device), &failure)
            })?;
        bytes += extents.bytes();
    }
    Ok(bytes)
}
