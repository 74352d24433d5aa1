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
use chrono::{DateTime, TimeDelta, Utc};
use firn_cloud::InstanceDetail;
use firn_core::{BackupMode, ErrorKind};
use firn_db::{Connection, NewBase, Page, Point, PointFilter, Scope};
use firn_driver_sdk::{Driver, Location, Probe};
use futures_util::future::join_all;
use serde_json::{Value, from_value, json};
use uuid::Uuid;

use super::create_point::{DISCOVER, Discovered, DiscoveredDisk, Spec};
use super::hand_over::{HandOver, HandedOver, Names, Unreleased};
use super::snapshot::{SNAPSHOT, SnapshotBy, Taken, remove_of_job, with_driver};
use super::{JobContext, JobError, RunningJob, Step, in_repository};
use crate::discover::{self, ProbedDisk};
use crate::reconcile::is_of_server;
use crate::services::Services;
use crate::stop::StopReason;
use crate::worker::Watch;
use crate::worker::protocol::{BackupDisk, Level};

const RELEASE: &str = "release";
/// How long a disk's snapshots are tried to be released, and how often.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(5);
/// Backups that began within this time of each other may have begun in either order: hosts' clocks
/// differ.
const BEGUN: TimeDelta = TimeDelta::seconds(60);
/// What the ids in names of bases are made in: with the disk's location they tell ours from those of
/// Cinder's own backup service, also when all records of ours are lost.
const BASES: Uuid = Uuid::from_u128(0x7c1d_0f52_9a55_4f27_8e0b_f12a_17b1_5ee5);

/// The name of a point's base on a disk. A snapshot that a driver takes is called so from the start.
pub(super) fn name(disk: &BackupDisk, point: &Point) -> String {
    format!("{}{}", prefix(disk), time(point.created_at))
}

/// How a time stands in names: seconds and microseconds, as long as all others for centuries.
fn time(at: DateTime<Utc>) -> String {
    let micros = at.timestamp_micros();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
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

/// Lets go of all snapshots but the bases. The point is there already, so nothing here undoes it: what
/// cannot be removed now is told, and looked for again by the reconciler and by the next backup; what
/// neither would find is tried again until it is done.
pub(super) struct Release(pub(super) Arc<RunningJob>);

#[async_trait]
impl Step for Release {
    fn name(&self) -> &'static str {
        RELEASE
    }

    /// A snapshot that is half handed over is known to nobody but this step.
    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let found: Discovered = context.output(DISCOVER)?;
        let taken: Vec<Taken> = context.output(SNAPSHOT)?;
        let point = self.0.point().await?;
        let disks = found.disks.iter().zip(&taken);
        let releases =
            disks.map(|(disk, taken)| self.release_or_tell(context, &point, disk, taken));
        join_all(releases).await.into_iter().collect::<Result<(), _>>()?;
        // Those that were not handed over.
        if let Err(error) = remove_of_job(&self.0.services, context).await {
            tracing::warn!(job_id = %context.id, %error, "left to the reconciler");
        }
        Ok(json!({}))
    }
}

impl Release {
    /// Fails only where somebody else has the job next, or a snapshot would be nobody's: then it is
    /// tried again until it succeeds, and the job says why.
    async fn release_or_tell(
        &self,
        context: &JobContext,
        point: &Point,
        disk: &DiscoveredDisk,
        taken: &Taken,
    ) -> Result<(), JobError> {
        let Some(name) = &taken.name else { return Ok(()) };
        let released = self.release_patiently(context, point, disk, name, taken).await;
        let Err(Unreleased { error, nobodys }) = released else { return Ok(()) };
        if nobodys || is_handed_on(context) {
            return Err(error);
        }
        let device = &disk.disk.disk.device;
        let text = format!("disk {device}: its snapshots are not as they should be: {error}");
        tracing::warn!(job_id = %context.id, "{text}");
        self.0.lease.message(Level::Warning, RELEASE, &text).await;
        Ok(())
    }

    /// A snapshot that Cinder has forgotten and that has no name of ours yet would be nobody's: so a
    /// cloud or a storage that is away for a while is waited for.
    async fn release_patiently(
        &self,
        context: &JobContext,
        point: &Point,
        disk: &DiscoveredDisk,
        name: &str,
        taken: &Taken,
    ) -> Result<(), Unreleased> {
        let until = Instant::now() + PATIENCE;
        loop {
            let released = self.release(point, disk, name, taken).await;
            let Err(unreleased) = released else { return Ok(()) };
            let error = &unreleased.error;
            if is_handed_on(context) || !error.kind.retryable() || Instant::now() >= until {
                return Err(unreleased);
            }
            tracing::warn!(job_id = %context.id, %error, "snapshots are not released yet");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = context.stop.requested(), if context.stop.reason().is_none() => {}
            }
        }
    }

    async fn release(
        &self,
        point: &Point,
        disk: &DiscoveredDisk,
        name: &str,
        taken: &Taken,
    ) -> Result<(), Unreleased> {
        let Spec { keep_base, .. } = self.0.spec()?;
        let keep = keep_base || point.mode == BackupMode::Incremental;
        let kept = match (&disk.snapshot_by, keep) {
            (_, false) | (SnapshotBy::Nobody, _) => false,
            (SnapshotBy::Driver, true) => true,
            (SnapshotBy::Cloud { .. }, true) => self.hand_over(point, disk, name, taken).await?,
        };
        let base = kept.then(|| time(point.created_at));
        let goes = move |time: &str| base.as_deref() != Some(time);
        Ok(remove_bases(&self.0.services, &disk.disk, goes).await?)
    }

    /// Makes a base of the cloud's snapshot; `false`, with the reason told, where the storage does
    /// not let us: the next backup then reads all that is allocated.
    async fn hand_over(
        &self,
        point: &Point,
        disk: &DiscoveredDisk,
        name: &str,
        taken: &Taken,
    ) -> Result<bool, Unreleased> {
        let (Some(cloud), Some(id)) = (&self.0.services.volume_snapshots, &taken.cloud_id) else {
            return Ok(false);
        };
        let storage = OfDisk { services: &self.0.services, disk: &disk.disk };
        let base = self::name(&disk.disk, point);
        let way = HandOver { cloud: cloud.as_ref(), storage: &storage, id, name, base: &base };
        match way.run().await? {
            HandedOver::Base => Ok(true),
            HandedOver::Refused(error) => {
                let device = &disk.disk.disk.device;
                let text = format!("disk {device}: no base is kept: {error}");
                self.0.lease.message(Level::Info, RELEASE, &text).await;
                Ok(false)
            }
        }
    }
}

/// Snapshots of a disk, as its driver names them.
struct OfDisk<'a> {
    services: &'a Services,
    disk: &'a BackupDisk,
}

#[async_trait]
impl Names for OfDisk<'_> {
    async fn rename(&self, from: &str, to: &str) -> Result<(), JobError> {
        let (from, to) = (from.to_owned(), to.to_owned());
        let rename =
            move |driver: &dyn Driver, at: &Location| driver.snapshot_rename(at, &from, &to);
        with_driver(self.services, self.disk, rename).await
    }
}

/// Removes the bases of a disk whose time, as it stands in the name, is one that goes.
async fn remove_bases(
    services: &Services,
    disk: &BackupDisk,
    goes: impl Fn(&str) -> bool + Send + 'static,
) -> Result<(), JobError> {
    let prefix = prefix(disk);
    let remove = move |driver: &dyn Driver, at: &Location| {
        let names = driver.snapshot_list(at)?;
        let mut old = names.iter().filter(|name| name.strip_prefix(&prefix).is_some_and(&goes));
        old.try_for_each(|name| driver.snapshot_delete(at, name))
    };
    match with_driver(services, disk, remove).await {
        // Without the right to remove there never was a base.
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(()),
        done => done,
    }
}

/// Removes the bases of an instance with `point`, if it is its last: there is nothing more to build
/// on. A base that stays costs space and harms nobody, and without one a backup reads more, so this
/// neither waits nor fails.
pub(super) async fn remove_with_last(
    job: &RunningJob,
    context: &JobContext,
) -> Result<(), JobError> {
    let now = Utc::now();
    let point = job.point().await?;
    if is_last(job, &point).await?
        && let Err(error) = remove_of(job, &point, now).await
    {
        tracing::warn!(job_id = %context.id, %error, "bases of the last point may be left");
    }
    Ok(())
}

async fn is_last(job: &RunningJob, point: &Point) -> Result<bool, JobError> {
    let filter = PointFilter { instance_id: Some(point.instance_id), ..PointFilter::default() };
    let list = move |conn: &mut Connection| {
        firn_db::point_list(conn, &Scope::All, &filter, &Page::first(2))
    };
    Ok(job.query(list).await?.iter().all(|other| other.id == point.id))
}

async fn remove_of(job: &RunningJob, point: &Point, now: DateTime<Utc>) -> Result<(), JobError> {
    let (services, id) = (&job.services, point.id);
    let record = match in_repository(services, move |repository| repository.point(id)).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
        record => record?,
    };
    let unreadable =
        |error| JobError::from_chain(ErrorKind::Integrity, "reading the point's record", &error);
    let instance: InstanceDetail = from_value(record.identity).map_err(unreadable)?;
    let probed = discover::probe(services, &instance, &instance.instance.disks).await?;
    // A backup that has begun since has a younger one.
    let last = time(now - BEGUN).max(time(point.created_at));
    for ProbedDisk { disk, probe, .. } in probed {
        // A disk that is gone took its snapshots along.
        let Ok((driver, Probe { location, size_bytes, .. })) = probe else { continue };
        let disk = BackupDisk { disk, driver, location: location.0, size_bytes, snapshot: None };
        let last = last.clone();
        remove_bases(services, &disk, move |time| time <= last.as_str()).await?;
    }
    Ok(())
}

/// Whether the job goes on elsewhere or later. A cancel comes too late for this step.
fn is_handed_on(context: &JobContext) -> bool {
    matches!(context.stop.reason(), Some(StopReason::LeaseLost | StopReason::Shutdown))
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
