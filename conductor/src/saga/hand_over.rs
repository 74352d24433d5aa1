//! A snapshot of the cloud's becomes a base: the cloud forgets it, then it gets a name of ours.
//!
//! Between the two it would be nobody's: a snapshot that the cloud has forgotten keeps its volume from
//! being deleted, and no reconciler knows its name. So whoever stops halfway is told that, and goes on.

use async_trait::async_trait;
use firn_cloud::VolumeSnapshots;
use firn_core::ErrorKind;

use super::JobError;

/// A storage on which a disk's snapshots are renamed.
#[async_trait]
pub(super) trait Names: Send + Sync {
    async fn rename(&self, from: &str, to: &str) -> Result<(), JobError>;
}

/// The snapshot, and what it becomes.
pub(super) struct HandOver<'a> {
    pub(super) cloud: &'a dyn VolumeSnapshots,
    pub(super) storage: &'a dyn Names,
    /// The cloud's id of it.
    pub(super) id: &'a str,
    /// Its name on the storage while it is the cloud's.
    pub(super) name: &'a str,
    /// Its name on the storage as a base.
    pub(super) base: &'a str,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum HandedOver {
    /// It is a base.
    Base,
    /// The storage does not let us rename: it is still the cloud's, and can be removed by it.
    Refused(JobError),
}

/// Why a disk's snapshots are not released.
#[derive(Debug)]
pub(super) struct Unreleased {
    pub(super) error: JobError,
    /// The cloud has forgotten one that has no name of ours yet, or may do so at any moment.
    pub(super) nobodys: bool,
}

impl From<JobError> for Unreleased {
    fn from(error: JobError) -> Self {
        Self { error, nobodys: false }
    }
}

impl HandOver<'_> {
    /// May be repeated until it succeeds, also by another conductor.
    pub(super) async fn run(&self) -> Result<HandedOver, Unreleased> {
        // Asked before anything is given away: what the cloud has forgotten, we must be able to remove.
        let absent = format!("{}.absent", self.base);
        if let Err(error) = self.storage.rename(&absent, self.base).await
            && error.kind != ErrorKind::NotFound
        {
            // An earlier try may have come further, when more was allowed.
            let nobodys = !self.is_the_clouds().await;
            if nobodys || !matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unsupported) {
                return Err(Unreleased { error, nobodys });
            }
            return Ok(HandedOver::Refused(error));
        }
        if let Err(error) = self.cloud.release(self.id).await {
            let kind = error.kind();
            // What the cloud has taken on it may still do, long after it was given up here.
            let nobodys = kind.retryable() || !self.is_the_clouds().await;
            let error = JobError::from_chain(kind, "handing a snapshot over", &error);
            return Err(Unreleased { error, nobodys });
        }
        match self.storage.rename(self.name, self.base).await {
            // An earlier try came so far.
            Err(error) if error.kind == ErrorKind::NotFound => Ok(HandedOver::Base),
            Err(error) => Err(Unreleased { error, nobodys: true }),
            Ok(()) => Ok(HandedOver::Base),
        }
    }

    /// Whether the cloud has it and keeps it; one that does not answer may have forgotten it.
    async fn is_the_clouds(&self) -> bool {
        self.cloud.keeps(self.id).await.unwrap_or_else(|error| {
            tracing::warn!(snapshot = self.id, %error, "the cloud does not tell whether it has it");
            false
        })
    }
}

#[cfg(test)]
#[path = "hand_over_tests.rs"]
mod tests;
