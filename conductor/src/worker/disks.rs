//! Drivers' disks as the repository engine's sources and sinks.

use std::collections::HashMap;
use std::sync::Arc;

use firn_core::ErrorKind;
use firn_driver_host::DriverSet;
use firn_driver_sdk::{Config, Disk, Driver, OpenRequest, ReadRequest};
use firn_repository::{Sink, Source, SourceError};

use super::error::TaskError;
use super::link::Link;
use super::protocol::DriverAccess;

/// Loads the drivers a task may use.
pub(super) fn load(access: &DriverAccess) -> DriverSet {
    let config: HashMap<_, _> =
        access.config.iter().map(|(name, section)| (name.clone(), Config(section.clone()))).collect();
    DriverSet::load(&access.path, &access.enabled, &config)
}

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

/// An opened disk for the engine to read from or write to.
pub(super) struct EngineDisk(pub(super) Arc<dyn Disk>);

impl Source for EngineDisk {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        Ok(self.0.read(&mut [ReadRequest { offset, buffer }])?)
    }
}

impl Sink for EngineDisk {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), SourceError> {
        Ok(self.0.write(offset, data)?)
    }
}
