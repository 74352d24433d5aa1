//! Drivers' disks as the repository engine's sources and sinks.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use firn_core::{ErrorKind, chain};
use firn_driver_host::DriverSet;
use firn_driver_sdk::{Access, Disk, Driver, DriverError, Location, OpenRequest, ReadRequest};
use firn_repository::{EndpointError, Sink, Source};

use super::error::TaskError;
use super::link::Link;
use super::protocol::TargetDisk;
use super::throttle::Throttle;

/// How long a disk is waited for that somebody else has: Ceph forgets a dead client after 30 s.
const IN_USE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_secs(2);

/// The driver that a task names.
pub(super) fn driver(set: &DriverSet, name: &str) -> Result<Arc<dyn Driver>, TaskError> {
    set.get(name).map_err(|error| {
        TaskError::from_chain(ErrorKind::Unavailable, &format!("loading driver {name}"), &error)
    })
}

/// Opens a disk so that a cancel reaches it.
pub(super) fn open(
    driver: &dyn Driver,
    request: &OpenRequest,
    device: &str,
    link: &Link,
) -> Result<Arc<dyn Disk>, TaskError> {
    let disk = driver
        .open(request)
        .map_err(|error| TaskError::driver(&format!("opening disk {device}"), &error))?;
    let disk: Arc<dyn Disk> = Arc::from(disk);
    link.watch(&disk);
    Ok(disk)
}

/// How a disk that is there is opened to be written to.
pub(super) fn writable(disk: &TargetDisk) -> OpenRequest {
    let location = Location(disk.location.clone());
    OpenRequest { location, snapshot: None, access: Access::Writable }
}

/// The same for a disk that is written to. Whoever had it last may have died with it, and a storage
/// takes a while to notice: so one that is in use is waited for.
pub(super) fn open_to_write(
    driver: &dyn Driver,
    request: &OpenRequest,
    device: &str,
    link: &Link,
) -> Result<Arc<dyn Disk>, TaskError> {
    let until = Instant::now() + IN_USE;
    loop {
        match open(driver, request, device, link) {
            Err(error) if error.kind() == ErrorKind::Conflict && Instant::now() < until => {
                link.check()?;
                thread::sleep(PAUSE);
            }
            opened => return opened,
        }
    }
}

/// An opened disk for the engine to write to.
pub(super) struct EngineDisk(pub(super) Arc<dyn Disk>);

/// An opened disk for the engine to read from, no faster than it may.
pub(super) struct ThrottledDisk<'a> {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) throttle: &'a Throttle,
}

impl Source for ThrottledDisk<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), EndpointError> {
        // A cancel ends the wait; the engine then asks its own flag.
        self.throttle.take(buffer.len() as u64);
        read(self.disk.as_ref(), offset, buffer).map_err(endpoint_error)
    }
}

impl Sink for EngineDisk {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), EndpointError> {
        self.0.write(offset, data).map_err(endpoint_error)
    }
}

/// Reads one range.
pub(super) fn read(disk: &dyn Disk, offset: u64, buffer: &mut [u8]) -> Result<(), DriverError> {
    disk.read(&mut [ReadRequest { offset, buffer }])
}

/// A driver's error as the engine carries it. It keeps its message once: the engine's error has
/// it as its source.
fn endpoint_error(error: DriverError) -> EndpointError {
    EndpointError::new(error.kind(), chain(&error))
}
