//! Reads an instance's disks into a new restore point.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use firn_core::{BackupMode, DiskId, ErrorKind, Extent, ExtentList, chain};
use firn_driver_host::DriverSet;
use firn_driver_sdk::{Access, Disk, Location, OpenRequest};
use firn_repository::{
    DiskImage, DiskPlan, DiskRecord, DiskStats, NewPoint, PointRecord, Repository, Session,
};
use serde_json::json;

use super::changes::{self, ReadPlan};
use super::disks::{self, ThrottledDisk};
use super::error::TaskError;
use super::link::Link;
use super::protocol::{Backup, BackupDisk, BackupResult, DiskResult, Level, Task};
use super::repository;
use super::throttle::Throttle;
use crate::services::load_drivers;

/// A disk that is open and how it will be read.
struct OpenDisk<'a> {
    source: &'a BackupDisk,
    disk: Arc<dyn Disk>,
    change_token: Option<String>,
    plan: DiskPlan,
}

pub(super) fn run(task: &Task, work: &Backup, link: &Arc<Link>) -> Result<BackupResult, TaskError> {
    let drivers = load_drivers(&task.drivers);
    let repository = repository::open(&task.repository)?;
    let earlier = committed(&repository, work)?;
    // An earlier attempt at this job is dead, or may not commit any more: what it left goes first.
    repository
        .forget_session(task.job_id.0)
        .map_err(|error| repository::error("ending an earlier attempt", &error))?;
    if let Some(result) = earlier {
        return Ok(result);
    }
    let parent = parent(&repository, work, link);
    let session = repository
        .begin(task.job_id.0, &work.project_id.0)
        .map_err(|error| repository::error("beginning a session", &error))?;
    // A session that is dropped without a commit leaves nothing but chunks to find again.
    fill(task, work, link, &drivers, &repository, parent.as_ref(), session)
}

fn fill(
    task: &Task,
    work: &Backup,
    link: &Arc<Link>,
    drivers: &DriverSet,
    repository: &Repository,
    parent: Option<&PointRecord>,
    session: Session,
) -> Result<BackupResult, TaskError> {
    // All disks are opened before the first is read, so that a disk that changes while another
    // is read is noticed too.
    let created_at = Utc::now();
    let share = task.limits.bandwidth_bytes_per_second;
    let throttle = link.throttle(work.bandwidth_bytes_per_second, share);
    let open = work
        .disks
        .iter()
        .map(|source| open(task, source, work, link, drivers, repository, parent, &throttle))
        .collect::<Result<Vec<_>, _>>()?;
    link.plan(open.iter().map(|disk| disk.plan.work_bytes()).sum());
    let mut images = Vec::with_capacity(open.len());
    for disk in &open {
        images.push(store(disk, &session, link, &throttle)?);
    }
    for disk in &open {
        let device = &disk.source.disk.device;
        disk.disk
            .close()
            .map_err(|error| TaskError::driver(&format!("closing disk {device}"), &error))?;
    }
    link.await_commit()?;
    let point = record(work, created_at, &open, &images);
    session.commit(point).map_err(|error| repository::error("committing the point", &error))?;
    let disks = open
        .iter()
        .zip(&images)
        .map(|(open, image)| result(&open.source.disk.device, image.size_bytes, &image.stats));
    Ok(BackupResult { disks: disks.collect() })
}

/// The result of an earlier attempt that committed and could not say so any more.
fn committed(repository: &Repository, work: &Backup) -> Result<Option<BackupResult>, TaskError> {
    match repository.point(work.point_id) {
        Ok(record) => {
            let disks =
                record.disks.iter().map(|disk| result(&disk.device, disk.size_bytes, &disk.stats));
            Ok(Some(BackupResult { disks: disks.collect() }))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(repository::error("looking for an earlier attempt", &error)),
    }
}

/// The parent's record; without one that can be read, the backup reads everything.
fn parent(repository: &Repository, work: &Backup, link: &Link) -> Option<PointRecord> {
    let id = work.parent_id.filter(|_| work.mode == BackupMode::Incremental)?;
    match repository.point(id) {
        Ok(record) if record.domain == work.project_id.0 => Some(record),
        Ok(_) => None,
        Err(error) => {
            let error = chain(&error);
            let text =
                format!("restore point {id} cannot be built on, reading everything: {error}");
            link.message(Level::Warning, "read_parent", text);
            None
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn open<'a>(
    task: &Task,
    source: &'a BackupDisk,
    work: &Backup,
    link: &Arc<Link>,
    drivers: &DriverSet,
    repository: &Repository,
    parent: Option<&PointRecord>,
    throttle: &Throttle,
) -> Result<OpenDisk<'a>, TaskError> {
    let device = &source.disk.device;
    let failed = |doing: &str, error| TaskError::driver(&format!("{doing} disk {device}"), &error);
    let driver = disks::driver(drivers, &source.driver)?;
    let request = OpenRequest {
        location: Location(source.location.clone()),
        snapshot: source.snapshot.clone(),
        access: Access::ReadOnly,
    };
    let disk = disks::open(driver.as_ref(), &request, device, link)?;
    let size_bytes = disk.size_bytes();
    let change_token =
        disk.change_token().map_err(|error| failed("reading the change token of", error))?;
    let allocated = disk
        .extents_allocated(firn_core::Extent::new(0, size_bytes))
        .map_err(|error| failed("reading the allocation of", error))?;
    let base = parent.and_then(|point| point.disks.iter().find(|disk| &disk.device == device));
    let plan = match (work.mode, base) {
        (BackupMode::Incremental, Some(base)) => {
            let domain = &work.project_id.0;
            incremental(disk.as_ref(), base, domain, &allocated, repository, link, throttle)?
        }
        _ => None,
    };
    let plan = DiskPlan {
        compression_level: task.limits.compression_level,
        threads: task.limits.threads,
        memory_bytes: task.limits.memory_bytes,
        ..plan.unwrap_or_else(|| DiskPlan::full(size_bytes, allocated))
    };
    Ok(OpenDisk { source, disk, change_token, plan })
}

/// What to read on top of the parent's disk; `None`, with the reason told, where only reading
/// everything is safe.
fn incremental(
    disk: &dyn Disk,
    base: &DiskRecord,
    domain: &str,
    allocated: &ExtentList,
    repository: &Repository,
    link: &Link,
    throttle: &Throttle,
) -> Result<Option<DiskPlan>, TaskError> {
    let device = &base.device;
    let everything = |level, reason: String| {
        link.message(
            level,
            "changed_blocks",
            format!("disk {device}: reading everything: {reason}"),
        );
        Ok(None)
    };
    let size_bytes = disk.size_bytes();
    if size_bytes != base.size_bytes {
        let before = base.size_bytes;
        return everything(Level::Info, format!("it had {before} bytes and has {size_bytes} now"));
    }
    let Some(token) = &base.change_token else {
        return everything(Level::Info, "its changes were not tracked at the last point".into());
    };
    let changed = match disk.extents_changed(token) {
        Ok(changed) => changed,
        Err(error) => match error.kind() {
            ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Conflict
                if !error.is_cancelled() =>
            {
                return everything(Level::Info, chain(&error));
            }
            _ => {
                return Err(TaskError::driver(
                    &format!("reading the changes of disk {device}"),
                    &error,
                ));
            }
        },
    };
    let chunk_bytes = u64::from(repository.chunk_size().bytes());
    let plan = ReadPlan::incremental(size_bytes, chunk_bytes, allocated, &changed);
    let kept = plan.kept(size_bytes);
    let places = changes::samples(&kept, allocated, &mut |bound| rand::random_range(0..bound));
    if let Some(place) = differing_sample(disk, base, domain, &places, repository, throttle)? {
        let at = place.offset;
        return everything(
            Level::Warning,
            format!(
                "its change tracking is wrong: the bytes at offset {at} are not those of the last \
                 point, and no change was recorded there"
            ),
        );
    }
    Ok(Some(DiskPlan::incremental(size_bytes, plan.read, plan.zero, base.root.clone())))
}

/// The first of the places that differs from the parent.
fn differing_sample(
    disk: &dyn Disk,
    base: &DiskRecord,
    domain: &str,
    places: &[Extent],
    repository: &Repository,
    throttle: &Throttle,
) -> Result<Option<Extent>, TaskError> {
    let device = &base.device;
    let stored = repository.open_disk(base, domain).map_err(|error| {
        repository::error(&format!("reading the parent of disk {device}"), &error)
    })?;
    for &place in places {
        let mut now = vec![0; place.length as usize];
        let mut then = now.clone();
        throttle.take(place.length);
        disks::read(disk, place.offset, &mut now)
            .map_err(|error| TaskError::driver(&format!("reading disk {device}"), &error))?;
        match stored.read_at(place.offset, &mut then) {
            Ok(()) if now == then => {}
            // A parent that cannot be read is no base either.
            Ok(()) | Err(_) => return Ok(Some(place)),
        }
    }
    Ok(None)
}

fn store(
    open: &OpenDisk<'_>,
    session: &Session,
    link: &Arc<Link>,
    throttle: &Throttle,
) -> Result<DiskImage, TaskError> {
    let control = repository::control(link);
    let device = &open.source.disk.device;
    let source = ThrottledDisk { disk: Arc::clone(&open.disk), throttle };
    session
        .backup_disk(&source, &open.plan, &control)
        .map_err(|error| repository::error(&format!("backing up disk {device}"), &error))
}

fn record(
    work: &Backup,
    created_at: DateTime<Utc>,
    open: &[OpenDisk<'_>],
    images: &[DiskImage],
) -> NewPoint {
    let disks = open.iter().zip(images).map(|(open, image)| DiskRecord {
        id: DiskId::new(),
        device: open.source.disk.device.clone(),
        kind: open.source.disk.kind,
        size_bytes: image.size_bytes,
        root: image.root.clone(),
        change_token: open.change_token.clone(),
        stats: image.stats,
        attributes: json!({ "disk": open.source.disk, "driver": open.source.driver }),
    });
    let instance = &work.instance.instance;
    let mut identity = json!(work.instance);
    if !work.excluded_disks.is_empty() {
        identity["excluded_disks"] = json!(work.excluded_disks);
    }
    NewPoint {
        id: work.point_id,
        project_id: work.project_id.clone(),
        instance_id: instance.id,
        instance_name: instance.name.clone(),
        created_at,
        mode: work.mode,
        consistency: work.consistency,
        parent: work.parent_id,
        disks: disks.collect(),
        identity,
    }
}

fn result(device: &str, virtual_bytes: u64, stats: &DiskStats) -> DiskResult {
    DiskResult {
        device: device.to_owned(),
        virtual_bytes,
        read_bytes: stats.read_bytes,
        new_bytes: stats.new_bytes,
        stored_bytes: stats.stored_bytes,
    }
}
