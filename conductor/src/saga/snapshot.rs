//! Snapshots of an instance's disks: what is read is one point in time, whatever the instance does
//! meanwhile.
//!
//! They are called after the job or its point, so that whoever takes the job over finds what was
//! half done. Afterwards an incremental backup keeps one of each disk as the base that the next one
//! compares with (see [`super::base`]); everything else goes.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use firn_core::{Consistency, Disk, ErrorKind};
use firn_db::Point;
use firn_driver_sdk::{Driver, DriverError, Location};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::create_point::{DISCOVER, Discovered, DiscoveredDisk, Spec, check_grade};
use super::driver::ask_driver;
use super::quiesce::{Guest, while_still};
use super::transfer::journaled;
use super::{JobContext, JobError, RunningJob, Step, base};
use crate::discover;
use crate::services::Services;
use crate::worker::Watch;
use crate::worker::protocol::BackupDisk;

pub(super) const SNAPSHOT: &str = "snapshot";

/// Who takes a disk's snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(crate) enum SnapshotBy {
    /// Nobody: the disk is read as it lies there, and must not be in use.
    #[default]
    Nobody,
    /// The cloud's block storage service.
    Cloud {
        /// Its id of the volume.
        volume_id: String,
    },
    /// The storage itself, asked by its driver.
    Driver,
}

impl SnapshotBy {
    /// The way for a disk: by the cloud where it is one of the `volumes` that the cloud snapshots
    /// (by their ids; also a root disk that the server boots from), else by the disk's `driver`
    /// where that can.
    pub(crate) fn choose(disk: &Disk, volumes: &HashSet<String>, driver: bool) -> Self {
        match &disk.serial {
            Some(id) if volumes.contains(id) => Self::Cloud { volume_id: id.clone() },
            _ if driver => Self::Driver,
            _ => Self::Nobody,
        }
    }
}

/// The snapshot of one disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    /// Its name on the storage; `None` where the disk itself is read.
    pub(super) name: Option<String>,
    /// The cloud's id of it, where the cloud took it.
    pub(super) cloud_id: Option<String>,
    /// What it can be relied on for, as all that were taken with it; not known of one that was taken
    /// before guests were frozen.
    #[serde(default)]
    pub(super) consistency: Option<Consistency>,
}

/// Takes a snapshot of every disk, all at once, while the guest is frozen.
pub(super) struct TakeSnapshots(pub(super) Arc<RunningJob>);

#[async_trait]
impl Step for TakeSnapshots {
    fn name(&self) -> &'static str {
        SNAPSHOT
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        // What an earlier try took is of another time.
        self.undo(context).await?;
        let found: Discovered = context.output(DISCOVER)?;
        let point = self.0.point().await?;
        // It may have been started, or have moved, since it was discovered.
        let now = discover::instance(&self.0.services, point.instance_id).await?;
        let guest = Guest::of(self.0.services.guests.as_deref(), &now, context.id);
        let takes = found.disks.iter().map(|disk| self.take(context, &point, disk));
        // All are waited for, so that none appears after it was looked for.
        let (taken, reached) =
            while_still(now.instance.power_state, guest.as_ref(), &context.stop, join_all(takes))
                .await;
        let mut taken = taken.into_iter().collect::<Result<Vec<_>, _>>()?;
        let stopped = || JobError::new(ErrorKind::Unavailable, "stopped while taking snapshots");
        let reached = reached.ok_or_else(stopped)?;
        if let Some((level, text)) = reached.remark {
            self.0.lease.message(level, SNAPSHOT, &text).await;
        }
        let Spec { consistency: demanded, .. } = self.0.spec()?;
        check_grade(reached.consistency, demanded)?;
        for one in &mut taken {
            one.consistency = Some(reached.consistency);
        }
        journaled(&taken)
    }

    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        let found: Discovered = context.output(DISCOVER)?;
        let guests = self.0.services.guests.as_deref();
        if let Some(guest) = Guest::of(guests, &found.instance, context.id) {
            guest.thaw_or_warn().await;
        }
        if found.disks.iter().any(|disk| matches!(disk.snapshot_by, SnapshotBy::Cloud { .. })) {
            remove_of_job(&self.0.services, context).await?;
        }
        let point = self.0.point().await?;
        for disk in found.disks.iter().filter(|disk| disk.snapshot_by == SnapshotBy::Driver) {
            let name = base::name(&disk.disk, &point);
            let services = &self.0.services;
            with_driver(services, &disk.disk, move |driver, at| driver.snapshot_delete(at, &name))
                .await?;
        }
        Ok(())
    }
}

impl TakeSnapshots {
    async fn take(
        &self,
        context: &JobContext,
        point: &Point,
        disk: &DiscoveredDisk,
    ) -> Result<Taken, JobError> {
        let services = &self.0.services;
        match (&disk.snapshot_by, &services.volume_snapshots) {
            (SnapshotBy::Nobody, _) => Ok(Taken::default()),
            (SnapshotBy::Cloud { volume_id }, Some(cloud)) => {
                let taken = cloud.take(context.id, volume_id).await.map_err(|error| {
                    let doing = format!("taking a snapshot of volume {volume_id}");
                    JobError::from_chain(error.kind(), &doing, &error)
                })?;
                Ok(Taken { name: Some(taken.name), cloud_id: Some(taken.id), consistency: None })
            }
            (SnapshotBy::Cloud { .. }, None) => Err(JobError::new(
                ErrorKind::Conflict,
                "the job was begun with a block storage service, and this conductor has none",
            )),
            (SnapshotBy::Driver, _) => {
                base::record(&self.0, point, &disk.disk).await?;
                let name = base::name(&disk.disk, point);
                let given = name.clone();
                with_driver(services, &disk.disk, move |driver, at| {
                    driver.snapshot_create(at, &given)
                })
                .await?;
                Ok(Taken { name: Some(name), ..Taken::default() })
            }
        }
    }
}

/// Removes all snapshots that the cloud took for a job.
pub(super) async fn remove_of_job(
    services: &Services,
    context: &JobContext,
) -> Result<(), JobError> {
    let Some(cloud) = &services.volume_snapshots else { return Ok(()) };
    let removed = async {
        for snapshot in cloud.of_job(context.id).await? {
            cloud.remove(&snapshot.id).await?;
        }
        Ok(())
    };
    removed.await.map_err(|error: firn_cloud::CloudError| {
        JobError::from_chain(error.kind(), "removing snapshots of volumes", &error)
    })
}

/// Asks a disk's driver about its snapshots.
pub(super) async fn with_driver<T: Send + 'static>(
    services: &Services,
    disk: &BackupDisk,
    call: impl FnOnce(&dyn Driver, &Location) -> Result<T, DriverError> + Send + 'static,
) -> Result<T, JobError> {
    let doing = format!("snapshots of disk {}", disk.disk.device);
    ask_driver(services, &disk.driver, &disk.location, &doing, call).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_cloud_takes_those_of_volumes_and_drivers_the_others() {
        let disk = |kind: &str, serial: Option<&str>| -> Disk {
            let disk = json!({
                "device": "vda", "kind": kind, "bus": "virtio", "serial": serial,
                "location": { "type": "rbd", "pool": "p", "image": "i" },
            });
            serde_json::from_value(disk).unwrap()
        };
        let volumes = HashSet::from(["v".to_owned()]);
        let cloud = SnapshotBy::Cloud { volume_id: "v".to_owned() };
        for (disk, volumes, driver, expected) in [
            (disk("volume", Some("v")), volumes.clone(), true, &cloud),
            (disk("volume", Some("v")), volumes.clone(), false, &cloud),
            // A server may boot from a volume.
            (disk("root", Some("v")), volumes.clone(), true, &cloud),
            // Nobody snapshots volumes here.
            (disk("volume", Some("v")), HashSet::new(), true, &SnapshotBy::Driver),
            (disk("volume", Some("v")), HashSet::new(), false, &SnapshotBy::Nobody),
            (disk("root", None), volumes.clone(), true, &SnapshotBy::Driver),
            (disk("root", None), volumes.clone(), false, &SnapshotBy::Nobody),
            // A serial number does not make a volume.
            (disk("ephemeral", Some("w")), volumes, true, &SnapshotBy::Driver),
        ] {
            assert_eq!(&SnapshotBy::choose(&disk, &volumes, driver), expected, "{disk:?}");
        }
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod freeze_tests;
