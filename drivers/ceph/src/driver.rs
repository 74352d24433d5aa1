use std::sync::Arc;

use firn_driver_sdk::{
    Access, Capabilities, Config, Descriptor, Disk, DiskLocation, Driver, DriverError,
    DriverFactory, Host, Location, OpenRequest, Probe,
};

use crate::clusters::Clusters;
use crate::config::Settings;
use crate::disk::RbdDisk;
use crate::location::Place;
use crate::opener::Opener;
use crate::{removal, snapshots};

/// Letters of an fsid that name a cluster to people.
const SHORT_FSID: usize = 8;

/// Reads RBD images and their snapshots; makes and removes snapshots; writes and removes images.
#[derive(Debug)]
pub struct CephDriver {
    clusters: Arc<Clusters>,
}

impl DriverFactory for CephDriver {
    const NAME: &'static str = "ceph";
    const VENDOR: &'static str = "Firn";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn create(config: &Config, _host: Host) -> Result<Self, DriverError> {
        Ok(Self { clusters: Arc::new(Clusters::new(Settings::read(config)?)) })
    }
}

impl CephDriver {
    fn opener(&self, location: &Location, snapshot: Option<&str>) -> Result<Opener, DriverError> {
        let place: Place = location.parse()?;
        Ok(self.opener_of(place, snapshot))
    }

    fn opener_of(&self, place: Place, snapshot: Option<&str>) -> Opener {
        let snapshot = snapshot.map(str::to_owned);
        Opener { clusters: Arc::clone(&self.clusters), place, snapshot }
    }

    /// Whether some cluster has a user that may take snapshots. They are opened in any case.
    fn snapshots(&self) -> bool {
        let clusters = &self.clusters.settings().clusters;
        clusters.iter().any(|cluster| cluster.snapshot_user.is_some())
    }

    /// Whether some cluster has a user that may write.
    fn writes(&self) -> bool {
        let clusters = &self.clusters.settings().clusters;
        clusters.iter().any(|cluster| cluster.write_user.is_some())
    }
}

impl Driver for CephDriver {
    fn descriptor(&self) -> Descriptor {
        Self::static_descriptor()
    }

    fn capabilities(&self) -> Capabilities {
        let write = self.writes();
        Capabilities {
            snapshots: self.snapshots(),
            changed_blocks: true,
            write,
            create: write,
            remove: write,
            ..Capabilities::default()
        }
    }

    /// `in_use` is about the image itself, which a running VM writes to; a snapshot of it is one
    /// point in time all the same. `changed_blocks` is always true: between two snapshots a
    /// difference can be told without anybody having kept a record, by the object map or else by
    /// asking about every object.
    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        let DiskLocation::Rbd { pool, namespace, image, monitors, user: _ } = location else {
            return Ok(None);
        };
        let fsid = self.clusters.locate(monitors)?;
        let short = fsid.get(..SHORT_FSID).unwrap_or(&fsid);
        let storage = format!("rbd:{short}/{pool}");
        let place = Place {
            pool: pool.clone(),
            namespace: namespace.clone().filter(|namespace| !namespace.is_empty()),
            image: image.clone(),
            fsid,
        };
        let opened = self.opener_of(place.clone(), None).open()?;
        Ok(Some(Probe {
            storage,
            location: Location::from_typed(&place)?,
            size_bytes: opened.size_bytes()?,
            changed_blocks: true,
            in_use: opened.is_watched()?,
        }))
    }

    fn snapshot_create(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        snapshots::create(self.opener(location, None)?, name)
    }

    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        snapshots::delete(self.opener(location, None)?, name)
    }

    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        snapshots::list(&self.opener(location, None)?)
    }

    fn snapshot_rename(
        &self,
        location: &Location,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        snapshots::rename(self.opener(location, None)?, from, to)
    }

    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        if !self.writes() {
            return Err(DriverError::unsupported(
                "removing images without a write_user in its configuration",
            ));
        }
        removal::remove(self.opener(location, None)?, our_snapshots)
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        let opener = self.opener(&request.location, request.snapshot.as_deref())?;
        if request.access != Access::ReadOnly && !self.writes() {
            return Err(DriverError::unsupported(
                "writing without a write_user in its configuration",
            ));
        }
        if request.access != Access::ReadOnly && request.snapshot.is_some() {
            return Err(DriverError::forbidden("snapshots are open for reading only"));
        }
        let disk = match request.access {
            Access::ReadOnly => RbdDisk::to_read(opener)?,
            Access::Writable => {
                let image = opener.open_for_writing()?;
                RbdDisk::to_write(opener, image)?
            }
            Access::Create { size_bytes } => {
                let image = opener.create(size_bytes)?;
                RbdDisk::to_write(opener, image)?
            }
        };
        Ok(Box::new(disk))
    }
}
