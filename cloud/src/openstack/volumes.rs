use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firn_core::JobId;

use super::OpenStackError;
use super::block_storage::{BlockStorage, NewSnapshot, Snapshot, SnapshotFilter};
use crate::{CloudError, VolumeSnapshot, VolumeSnapshots};

/// What marks a snapshot as ours, with the job as value.
const MARK: &str = "firn_job";
/// How long Cinder may take for one. Some storages copy all data for a snapshot.
const PATIENCE: Duration = Duration::from_secs(600);
/// The status of a snapshot that Cinder is about to forget.
const UNMANAGING: &str = "unmanaging";

/// Cinder's snapshots, in the service user's project.
pub struct CinderSnapshots {
    cinder: Arc<dyn BlockStorage>,
}

impl CinderSnapshots {
    /// Made by this Cinder.
    pub fn new(cinder: Arc<dyn BlockStorage>) -> Self {
        Self { cinder }
    }

    async fn list(&self, job: Option<JobId>) -> Result<Vec<Snapshot>, CloudError> {
        let metadata = job.map(|job| (MARK.to_owned(), job.to_string())).into_iter().collect();
        let filter = SnapshotFilter { metadata, ..SnapshotFilter::default() };
        self.cinder.snapshot_list(&filter).await.map_err(refused)
    }

    /// Waits until a snapshot is gone that Cinder was `asked` to let go of. Cinder refuses to be asked
    /// again while it is at it, as whoever takes a job over does.
    async fn gone(
        &self,
        id: &str,
        asked: Result<(), OpenStackError>,
        status: &str,
    ) -> Result<(), OpenStackError> {
        if let Err(error) = asked {
            let found = OpenStackError::or_absent(self.cinder.snapshot_get(id).await)?;
            if found.is_some_and(|snapshot| snapshot.status != status) {
                return Err(error);
            }
        }
        self.cinder.snapshot_wait_gone(id, PATIENCE).await
    }
}

#[async_trait]
impl VolumeSnapshots for CinderSnapshots {
    async fn take(&self, job: JobId, volume_id: &str) -> Result<VolumeSnapshot, CloudError> {
        let snapshot = NewSnapshot {
            volume_id: volume_id.to_owned(),
            name: format!("firn-{job}"),
            metadata: BTreeMap::from([(MARK.to_owned(), job.to_string())]),
        };
        let asked = self.cinder.snapshot_create(&snapshot).await.map_err(refused)?;
        let made = self.cinder.snapshot_wait_available(&asked.id, PATIENCE).await;
        made.map(ours).map_err(refused)
    }

    async fn of_job(&self, job: JobId) -> Result<Vec<VolumeSnapshot>, CloudError> {
        Ok(self.list(Some(job)).await?.into_iter().map(ours).collect())
    }

    async fn jobs(&self) -> Result<Vec<JobId>, CloudError> {
        let marks = |snapshot: &Snapshot| snapshot.metadata.get(MARK)?.parse().ok().map(JobId);
        let jobs: BTreeSet<_> = self.list(None).await?.iter().filter_map(marks).collect();
        Ok(jobs.into_iter().collect())
    }

    async fn remove(&self, id: &str) -> Result<(), CloudError> {
        let asked = self.cinder.snapshot_delete(id).await;
        self.gone(id, asked, "deleting").await.map_err(refused)
    }

    async fn release(&self, id: &str) -> Result<(), CloudError> {
        let asked = self.cinder.snapshot_unmanage(id).await;
        self.gone(id, asked, UNMANAGING).await.map_err(refused)
    }

    async fn keeps(&self, id: &str) -> Result<bool, CloudError> {
        let found = OpenStackError::or_absent(self.cinder.snapshot_get(id).await);
        Ok(found.map_err(refused)?.is_some_and(|snapshot| snapshot.status != UNMANAGING))
    }
}

/// Cinder's drivers call a snapshot so on the storage.
fn ours(snapshot: Snapshot) -> VolumeSnapshot {
    VolumeSnapshot { name: format!("snapshot-{}", snapshot.id), id: snapshot.id }
}

fn refused(error: OpenStackError) -> CloudError {
    CloudError::Refused { kind: error.kind(), source: Box::new(error) }
}
