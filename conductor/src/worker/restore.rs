//! Writes a restore point's disks: as raw sparse files, or to disks that are there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn_core::{DiskLocation, ErrorKind, Extent, ImageFormat};
use firn_driver_host::DriverSet;
use firn_driver_sdk::{Access, Location, OpenRequest};
use firn_repository::{DiskRecord, PointRecord, Repository, RestoreOptions};

use super::disks::{self, EngineDisk};
use super::error::TaskError;
use super::link::Link;
use super::protocol::{Restore, RestoreResult, RestoreTo, TargetDisk, Task};
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
    let work = match &work.to {
        RestoreTo::Folder { path } => files(point, path)?,
        RestoreTo::Disks { disks } => disks_of(point, disks),
    };
    link.plan(repository::data_bytes(&repository, &work.point)?);
    let mut written_bytes = 0;
    for (record, place) in work.point.disks.iter().zip(&work.places) {
        written_bytes += write(task, &drivers, &repository, &work.point, record, place, link)?;
    }
    if let Some(folder) = &work.folder {
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| io_error("flushing", folder, &error))?;
    }
    link.await_commit()?;
    Ok(RestoreResult { written_bytes })
}

/// The disks to write, each with its place.
struct Writes {
    /// With these disks and no others.
    point: PointRecord,
    places: Vec<Place>,
    /// The folder that they are files in.
    folder: Option<PathBuf>,
}

/// Where a disk is written.
struct Place {
    driver: String,
    request: OpenRequest,
    /// What it holds has to be made zeros first.
    used: bool,
}

fn files(point: PointRecord, folder: &Path) -> Result<Writes, TaskError> {
    empty(folder).map_err(|error| io_error("emptying", folder, &error))?;
    let place = |record: &DiskRecord| {
        let device = &record.device;
        let location = DiskLocation::File {
            path: folder.join(format!("{device}.raw")),
            format: ImageFormat::Raw,
            backing: Vec::new(),
        };
        let location = Location::from_typed(&location)
            .map_err(|error| TaskError::driver(&format!("naming disk {device}"), &error))?;
        let access = Access::Create { size_bytes: record.size_bytes };
        let request = OpenRequest { location, snapshot: None, access };
        Ok(Place { driver: FILE_DRIVER.to_owned(), request, used: false })
    };
    let places = point.disks.iter().map(place).collect::<Result<_, TaskError>>()?;
    Ok(Writes { point, places, folder: Some(folder.to_owned()) })
}

fn disks_of(mut point: PointRecord, targets: &[TargetDisk]) -> Writes {
    let target = |record: &DiskRecord| targets.iter().find(|disk| disk.device == record.device);
    point.disks.retain(|record| target(record).is_some());
    let places = point.disks.iter().filter_map(target).map(|disk| Place {
        driver: disk.driver.clone(),
        request: disks::writable(disk),
        used: !disk.blank,
    });
    Writes { places: places.collect(), point, folder: None }
}

fn write(
    task: &Task,
    drivers: &DriverSet,
    repository: &Repository,
    point: &PointRecord,
    record: &DiskRecord,
    place: &Place,
    link: &Arc<Link>,
) -> Result<u64, TaskError> {
    let device = &record.device;
    let failed = |doing: &str, error| TaskError::driver(&format!("{doing} disk {device}"), &error);
    let driver = disks::driver(drivers, &place.driver)?;
    let disk = disks::open_to_write(driver.as_ref(), &place.request, device, link)?;
    if disk.size_bytes() < record.size_bytes {
        return Err(TaskError::new(
            ErrorKind::InvalidInput,
            format!(
                "disk {device} has {} bytes there and needs {}",
                disk.size_bytes(),
                record.size_bytes
            ),
        ));
    }
    if place.used {
        let whole = Extent { offset: 0, length: disk.size_bytes() };
        disk.zero(whole).map_err(|error| failed("emptying", error))?;
    }
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
