//! What stays of the snapshots after a backup: for an incremental one, a base of each disk that the
//! next backup compares with. For a full one nothing.
//!
//! A base is never in anybody's way. On RBD, Cinder's driver removes snapshots of the form
//! `backup.<uuid>.snap.<time>` by itself when a volume is deleted or moved; so bases are called that,
//! and Cinder's own snapshot, which would keep the owner from deleting the volume, is handed over:
//! Cinder forgets it, and it gets the new name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::Utc;
use firn_core::{BackupMode, ErrorKind};
use firn_db::{NewBase, Point};
use serde_json::{Value, json};
use uuid::Uuid;

use super::create_point::{DISCOVER, Discovered, DiscoveredDisk, Spec};
use super::snapshot::{SNAPSHOT, SnapshotBy, Taken, remove_of_job, with_driver};
use super::{JobContext, JobError, RunningJob, Step};
use crate::left_disks::is_of_server;
use crate::stop::StopReason;
use crate::worker::Watch;
use crate::worker::protocol::{BackupDisk, Level};

const RELEASE: &str = "release";
/// How long a disk's snapshots are tried to be released, and how often.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(5);
/// What the ids in names of bases are made in: with the disk's location they tell ours from those of
/// Cinder's own backup service, also when all records of ours are lost.
const BASES: Uuid = Uuid::from_u128(0x7c1d_0f52_9a55_4f27_8e0b_f12a_17b1_5ee5);

/// The name of a point's base on a disk. A snapshot that a driver takes is called so from the start.
pub(super) fn name(disk: &BackupDisk, point: &Point) -> String {
    let micros = point.created_at.timestamp_micros();
    format!("{}{}.{:06}", prefix(disk), micros / 1_000_000, micros % 1_000_000)
}

/// How the names of a disk's bases begin.
fn prefix(disk: &BackupDisk) -> String {
    format!("backup.{}.snap.", id(disk))
}

fn id(disk: &BackupDisk) -> Uuid {
    Uuid::new_v5(&BASES, disk.location.to_string().as_bytes())
}

/// Remembers a disk before its driver takes a snapshot: Nova cannot remove a disk that has one, so it
/// may have to be removed for it, also where the server is deleted in the middle of a full backup.
pub(super) async fn record(
    job: &RunningJob,
    point: &Point,
    disk: &BackupDisk,
) -> Result<(), JobError> {
    let known = job.services.volume_snapshots.is_some();
    if !known || !is_of_server(&disk.location, point.instance_id) {
        return Ok(());
    }
    let base = NewBase {
        id: id(disk),
        instance_id: point.instance_id,
        project_id: point.project_id.clone(),
        driver: disk.driver.clone(),
        location: disk.location.clone(),
        snapshot_prefix: prefix(disk),
    };
    job.query(move |conn| firn_db::base_record(conn, &base, Utc::now())).await
}

/// Lets go of all snapshots but the bases. The point is there already, so nothing here fails it: what
/// cannot be removed now is told, and looked for again by the reconciler and by the next backup.
pub(super) struct Release(pub(super) Arc<RunningJob>);

#[async_trait]
impl Step for Release {
    fn name(&self) -> &'static str {
        RELEASE
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let found: Discovered = context.output(DISCOVER)?;
        let taken: Vec<Taken> = context.output(SNAPSHOT)?;
        let point = self.0.point().await?;
        for (disk, taken) in found.disks.iter().zip(&taken) {
            let Some(name) = &taken.name else { continue };
            if let Err(error) = self.release_patiently(context, &point, disk, name, taken).await {
                if let Some(StopReason::LeaseLost | StopReason::Shutdown) = context.stop.reason() {
                    // Whoever has the job next goes on here.
                    return Err(error);
                }
                let device = &disk.disk.disk.device;
                let text =
                    format!("disk {device}: its snapshots are not as they should be: {error}");
                tracing::warn!(job_id = %context.id, "{text}");
                self.0.lease.message(Level::Warning, RELEASE, &text).await;
            }
        }
        // Those that were not handed over.
        if let Err(error) = remove_of_job(&self.0.services, context).await {
            tracing::warn!(job_id = %context.id, %error, "left to the reconciler");
        }
        Ok(json!({}))
    }
}

impl Release {
    /// A snapshot that Cinder has forgotten and that has no name of ours yet would be nobody's: so a
    /// cloud or a storage that is away for a while is waited for.
    async fn release_patiently(
        &self,
        context: &JobContext,
        point: &Point,
        disk: &DiscoveredDisk,
        name: &str,
        taken: &Taken,
    ) -> Result<(), JobError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let released = self.release(point, disk, name, taken).await;
            let Err(error) = released else { return Ok(()) };
            let stopping = context.stop.reason().is_some();
            if stopping || !error.kind.retryable() || Instant::now() >= until {
                return Err(error);
            }
            tracing::warn!(job_id = %context.id, %error, "snapshots are not released yet");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = context.stop.requested() => {}
            }
        }
    }

    async fn release(
        &self,
        point: &Point,
        disk: &DiscoveredDisk,
        name: &str,
        taken: &Taken,
    ) -> Result<(), JobError> {
        let Spec { keep_base, .. } = self.0.spec()?;
        let keep = keep_base || point.mode == BackupMode::Incremental;
        let base = match (&disk.snapshot_by, keep) {
            (_, false) | (SnapshotBy::Nobody, _) => None,
            (SnapshotBy::Driver, true) => Some(name.to_owned()),
            (SnapshotBy::Cloud { .. }, true) => self.hand_over(point, disk, name, taken).await?,
        };
        self.remove_bases_but(&disk.disk, base).await
    }

    /// Makes a base of the cloud's snapshot; `None`, with the reason told, where the storage does not
    /// let us: the next backup then reads all that is allocated.
    async fn hand_over(
        &self,
        point: &Point,
        disk: &DiscoveredDisk,
        name: &str,
        taken: &Taken,
    ) -> Result<Option<String>, JobError> {
        let (Some(cloud), Some(id)) = (&self.0.services.volume_snapshots, &taken.cloud_id) else {
            return Ok(None);
        };
        let base = self::name(&disk.disk, point);
        // Asked before anything is given away: what Cinder has forgotten, we must be able to remove.
        if let Err(error) = self.rename(&disk.disk, &format!("{base}.absent"), &base).await
            && error.kind != ErrorKind::NotFound
        {
            if !matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unsupported) {
                return Err(error);
            }
            let device = &disk.disk.disk.device;
            let text = format!("disk {device}: no base is kept: {error}");
            self.0.lease.message(Level::Info, RELEASE, &text).await;
            return Ok(None);
        }
        cloud.release(id).await.map_err(|error| {
            JobError::from_chain(error.kind(), "handing a snapshot over", &error)
        })?;
        match self.rename(&disk.disk, name, &base).await {
            // An earlier try came so far.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            done => done?,
        }
        Ok(Some(base))
    }

    async fn rename(&self, disk: &BackupDisk, from: &str, to: &str) -> Result<(), JobError> {
        let (from, to) = (from.to_owned(), to.to_owned());
        let rename = move |driver: &dyn firn_driver_sdk::Driver, at: &_| {
            driver.snapshot_rename(at, &from, &to)
        };
        with_driver(&self.0.services, disk, rename).await
    }

    async fn remove_bases_but(
        &self,
        disk: &BackupDisk,
        keep: Option<String>,
    ) -> Result<(), JobError> {
        let prefix = prefix(disk);
        let remove = move |driver: &dyn firn_driver_sdk::Driver, at: &_| {
            let names = driver.snapshot_list(at)?;
            let mut old = names
                .iter()
                .filter(|name| name.starts_with(&prefix) && keep.as_ref() != Some(name));
            old.try_for_each(|name| driver.snapshot_delete(at, name))
        };
        match with_driver(&self.0.services, disk, remove).await {
            // Without the right to remove there never was a base.
            Err(error) if error.kind == ErrorKind::Unsupported => Ok(()),
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(image: &str) -> BackupDisk {
        let disk = json!({
            "disk": {
                "device": "vda", "kind": "volume", "bus": "virtio",
                "location": { "type": "rbd", "pool": "volumes", "image": image },
            },
            "driver": "ceph",
            "location": { "fsid": "f", "pool": "volumes", "image": image },
            "size_bytes": 1,
        });
        serde_json::from_value(disk).unwrap()
    }

    /// Names are on storages already: with another id they would be nobody's. The ids of Cinder's
    /// backup service are random, those of other disks are others.
    #[test]
    fn the_id_of_a_disk_is_its_own_and_never_changes() {
        assert_eq!(prefix(&disk("volume-1")), "backup.3844db1e-8e14-5f0f-9375-bb5dccd26601.snap.");
        assert_ne!(prefix(&disk("volume-1")), prefix(&disk("volume-2")));
    }
}
