//! Writes a restore point's disks as raw sparse files.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use firn_core::{DiskLocation, ErrorKind, ImageFormat};
use firn_driver_host::DriverSet;
use firn_driver_sdk::{Access, Location, OpenRequest};
use firn_repository::{DiskRecord, PointRecord, Repository, RestoreOptions};

use super::disks::{self, EngineDisk};
use super::error::TaskError;
use super::link::Link;
use super::protocol::{Restore, RestoreResult, Task};
use super::repository;
use crate::services::load_drivers;

/// The driver that writes files.
const FILE_DRIVER: &str = "file";

pub(super) fn run(
    task: &Task,
    work: &Restore,
    link: &Arc<Link>,
) -> Result<RestoreResult, TaskError> {
    let drivers = load_drivers(&task.drivers);
    let repository = repository::open(&task.repository)?;
    let point = repository
        .point(work.point_id)
        .map_err(|error| repository::error("reading the restore point", &error))?;
    empty(&work.folder).map_err(|error| io_error("emptying", &work.folder, &error))?;
    link.plan(repository::data_bytes(&repository, &point)?);
    let mut written_bytes = 0;
    for disk in &point.disks {
        written_bytes += write(task, &drivers, &repository, &point, disk, &work.folder, link)?;
    }
    fs::File::open(&work.folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| io_error("flushing", &work.folder, &error))?;
    link.await_commit()?;
    Ok(RestoreResult { written_bytes })
}

fn write(
    task: &Task,
    drivers: &DriverSet,
    repository: &Repository,
    point: &PointRecord,
    record: &DiskRecord,
    folder: &Path,
    link: &Arc<Link>,
) -> Result<u64, TaskError> {
    let device = &record.device;
    let failed = |doing: &str, error| TaskError::driver(&format!("{doing} disk {device}"), &error);
    let driver = disks::driver(drivers, FILE_DRIVER)?;
    let location = DiskLocation::File {
        path: folder.join(format!("{device}.raw")),
        format: ImageFormat::Raw,
        backing: Vec::new(),
    };
    let request = OpenRequest {
        location: Location::from_typed(&location).map_err(|error| failed("naming", error))?,
        snapshot: None,
        access: Access::Create { size_bytes: record.size_bytes },
    };
    let disk = disks::open(driver.as_ref(), &request, device, link)?;
    let options =
        RestoreOptions { threads: task.limits.threads, memory_bytes: task.limits.memory_bytes };
    let sink = EngineDisk(Arc::clone(&disk));
    let stats = repository
        .restore_disk(record, &point.domain, &sink, options, &repository::control(link))
        .map_err(|error| repository::error(&format!("restoring disk {device}"), &error))?;
    disk.flush().map_err(|error| failed("flushing", error))?;
    disk.close().map_err(|error| failed("closing", error))?;
    Ok(stats.written_bytes)
}

/// Makes the folder, without whatever an earlier attempt left in it.
fn empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir(folder)
}

fn io_error(doing: &str, folder: &Path, error: &io::Error) -> TaskError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::QuotaExceeded,
        _ => ErrorKind::Internal,
    };
    TaskError::from_chain(kind, &format!("{doing} {}", folder.display()), error)
}
