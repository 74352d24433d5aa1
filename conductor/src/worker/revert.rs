//! Gives disks back what their snapshots hold, where a restore over them failed.

use std::sync::Arc;

use firn_core::{ErrorKind, Extent};
use firn_driver_sdk::{Access, Disk, DriverError, OpenRequest};

use super::disks;
use super::error::TaskError;
use super::link::Link;
use super::protocol::{RestoreResult, Revert, TargetDisk, Task};
use crate::services::load_drivers;

/// What is compared at once.
const BLOCK: u64 = 4 << 20;

pub(super) fn run(
    task: &Task,
    work: &Revert,
    link: &Arc<Link>,
) -> Result<RestoreResult, TaskError> {
    let drivers = load_drivers(&task.drivers);
    let mut written_bytes = 0;
    for target in &work.disks {
        let device = &target.device;
        let driver = disks::driver(&drivers, &target.driver)?;
        let to = disks::open_to_write(driver.as_ref(), &disks::writable(target), device, link)?;
        let snapshot = OpenRequest {
            snapshot: Some(work.snapshot.clone()),
            access: Access::ReadOnly,
            ..disks::writable(target)
        };
        let from = disks::open(driver.as_ref(), &snapshot, device, link)
            .map_err(|error| without_snapshot(error, device))?;
        written_bytes += copy(from.as_ref(), to.as_ref(), target)
            .map_err(|error| TaskError::driver(&format!("reverting disk {device}"), &error))?;
    }
    // No leave is asked for the end: a cancelled job would not get it, and this is what undoes one.
    Ok(RestoreResult { written_bytes })
}

/// The image was there just before: `NotFound` would tell the conductor that it is gone, and that there
/// is nothing to revert.
fn without_snapshot(error: TaskError, device: &str) -> TaskError {
    match error.kind() {
        ErrorKind::NotFound => TaskError::new(
            ErrorKind::Conflict,
            format!("disk {device} has lost the snapshot that it was to be given back from"),
        ),
        _ => error,
    }
}

/// Makes `to` what `from` is, and writes only where they differ.
fn copy(from: &dyn Disk, to: &dyn Disk, target: &TargetDisk) -> Result<u64, DriverError> {
    let whole = Extent { offset: 0, length: target.size_bytes.min(from.size_bytes()) };
    let filled = from.extents_allocated(whole)?.union(&to.extents_allocated(whole)?);
    let mut written = 0;
    for extent in filled.as_slice() {
        let mut offset = extent.offset;
        while offset < extent.end() {
            let length = BLOCK.min(extent.end() - offset) as usize;
            let (mut kept, mut now) = (vec![0; length], vec![0; length]);
            disks::read(from, offset, &mut kept)?;
            disks::read(to, offset, &mut now)?;
            if kept != now {
                to.write(offset, &kept)?;
                written += length as u64;
            }
            offset += length as u64;
        }
    }
    to.flush()?;
    to.close()?;
    from.close()?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_that_is_gone_is_not_found() {
        let lost = without_snapshot(TaskError::new(ErrorKind::NotFound, "no snapshot"), "vda");
        assert_eq!(lost.kind(), ErrorKind::Conflict);
        let away = without_snapshot(TaskError::new(ErrorKind::Unavailable, "silence"), "vda");
        assert_eq!(away.kind(), ErrorKind::Unavailable);
    }
}
