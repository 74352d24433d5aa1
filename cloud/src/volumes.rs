use async_trait::async_trait;
use firn_core::JobId;

use crate::CloudError;

/// A snapshot of a volume, made by the cloud's block storage service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeSnapshot {
    /// The service's id of it.
    pub id: String,
    /// Its name on the storage.
    pub name: String,
}

/// Snapshots of volumes by the cloud's own service, in the name of the backup service: its owner
/// neither sees them nor pays for them, and cannot delete the volume while they exist. So they live
/// only while they are read.
#[async_trait]
pub trait VolumeSnapshots: Send + Sync {
    /// Takes one for a job, and answers when it is there to be read.
    ///
    /// # Errors
    /// Among others `QuotaExceeded` (of the backup service's own project), `Conflict` and
    /// `Unavailable`; it may be there nevertheless, see [`VolumeSnapshots::of_job`].
    async fn take(&self, job: JobId, volume_id: &str) -> Result<VolumeSnapshot, CloudError>;

    /// All that were taken for a job and are still known, whatever their state.
    async fn of_job(&self, job: JobId) -> Result<Vec<VolumeSnapshot>, CloudError>;

    /// The jobs of which there are any.
    async fn jobs(&self) -> Result<Vec<JobId>, CloudError>;

    /// Removes one, and answers when it is gone. One that is absent is fine.
    async fn remove(&self, id: &str) -> Result<(), CloudError>;

    /// Makes the service forget one that stays on the storage, and answers when it has. One that
    /// it does not know is fine.
    async fn release(&self, id: &str) -> Result<(), CloudError>;

    /// Whether the service knows one, and is not about to forget it.
    async fn keeps(&self, id: &str) -> Result<bool, CloudError>;
}
