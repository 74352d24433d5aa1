use std::time::Duration;

use firn_driver_sdk::{
    Access, Capabilities, Config, Connected, ConnectionInfo, Connector, Descriptor, Disk,
    DiskLocation, Driver, DriverError, DriverFactory, Host, Location, LogLevel, OpenRequest, Probe,
};
use serde::{Deserialize, Serialize};

use crate::Medium;
use crate::disk::MemoryDisk;

/// The driver `memory`: images of a [`Medium`], found as pool volumes.
pub struct MemoryDriver {
    options: Options,
    medium: Medium,
    host: Host,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Name of the medium, and of the pool that is ours.
    medium: String,
    /// How long each read takes, for trying what happens in the middle of one.
    #[serde(default)]
    read_delay_ms: u64,
    /// Panic wherever it can: for trying that nothing unwinds into the host.
    #[serde(default)]
    panic: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    image: String,
}

impl MemoryDriver {
    fn panic_if_told(&self, at: &str) {
        if self.options.panic {
            tracing::warn!(at, "about to panic, as configured");
            std::panic::panic_any(format!("told to panic in {at}"));
        }
    }
}

impl DriverFactory for MemoryDriver {
    const NAME: &'static str = "memory";
    const VENDOR: &'static str = "Firn";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn create(config: &Config, host: Host) -> Result<Self, DriverError> {
        let options: Options = config.parse()?;
        assert!(options.medium != "panic", "told to panic in create");
        host.log(LogLevel::Info, "memory", "the memory driver starts");
        Ok(Self { medium: Medium::named(&options.medium), options, host })
    }
}

impl Driver for MemoryDriver {
    fn descriptor(&self) -> Descriptor {
        Self::static_descriptor()
    }

    fn capabilities(&self) -> Capabilities {
        self.panic_if_told("capabilities");
        Capabilities {
            snapshots: true,
            changed_blocks: true,
            write: true,
            create: true,
            connections: true,
            remove: true,
        }
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        self.panic_if_told("probe");
        let DiskLocation::PoolVolume { pool, volume } = location else { return Ok(None) };
        if *pool != self.options.medium {
            return Ok(None);
        }
        tracing::debug!(volume, "probed");
        let size_bytes = self.medium.with(volume, |image| Ok(image.data().len() as u64))?;
        Ok(Some(Probe {
            storage: format!("memory:{pool}"),
            location: Location::from_typed(&Place { image: volume.clone() })?,
            size_bytes,
            changed_blocks: true,
            in_use: false,
        }))
    }

    fn connector(&self) -> Result<Connector, DriverError> {
        self.panic_if_told("connector");
        let initiator = Some("iqn.2026-01.test.firn:memory".to_owned());
        Ok(Connector { host: "memory".to_owned(), initiator, ..Connector::default() })
    }

    /// "Connects" the image that the information names.
    fn connect(&self, info: &ConnectionInfo) -> Result<Connected, DriverError> {
        let location = Location(info.data.clone());
        location.parse::<Place>()?;
        Ok(Connected { location })
    }

    fn disconnect(&self, _info: &ConnectionInfo) -> Result<(), DriverError> {
        Ok(())
    }

    fn snapshot_create(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        self.host.progress("snapshot_create", 0, 1);
        self.medium.snapshot_create(&location.parse::<Place>()?.image, name)?;
        self.host.progress("snapshot_create", 1, 1);
        Ok(())
    }

    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        self.medium.snapshot_delete(&location.parse::<Place>()?.image, name);
        Ok(())
    }

    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        let place: Place = location.parse()?;
        self.medium.with(&place.image, |image| Ok(image.snapshot_names()))
    }

    fn snapshot_rename(
        &self,
        location: &Location,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        self.medium.snapshot_rename(&location.parse::<Place>()?.image, from, to)
    }

    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        self.medium.remove_unused(&location.parse::<Place>()?.image, our_snapshots)
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        self.panic_if_told("open");
        let Place { image } = request.location.parse()?;
        let writable = request.access != Access::ReadOnly;
        if writable && request.snapshot.is_some() {
            return Err(DriverError::forbidden("a snapshot cannot be written to"));
        }
        if let Access::Create { size_bytes } = request.access {
            let size = usize::try_from(size_bytes)
                .map_err(|_| DriverError::quota_exceeded("this machine lacks the memory"))?;
            self.medium.create(&image, vec![0; size])?;
        }
        let delay = Duration::from_millis(self.options.read_delay_ms);
        let disk = MemoryDisk::open(
            self.medium.clone(),
            image,
            request.snapshot.as_deref(),
            writable,
            delay,
        )?;
        Ok(Box::new(disk))
    }
}
