use crate::{
    Capabilities, Config, Connected, ConnectionInfo, Connector, Descriptor, Disk, DiskLocation,
    DriverError, Host, Location, OpenRequest,
};

/// What a driver says of a disk that is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The storage the disk lies on, for limits and for people: `file:/dev/vda2`, `rbd:volumes`.
    pub storage: String,
    /// Canonical: the same disk gives the same location, by whichever name it was found.
    pub location: Location,
    /// Size in bytes, as the guest sees it.
    pub size_bytes: u64,
    /// Whether this disk's changes are tracked now.
    pub changed_blocks: bool,
    /// Whether something (normally its VM) has the disk open for writing.
    pub in_use: bool,
}

/// A storage driver. Object-safe; every method may be called from any thread, several at once.
pub trait Driver: Send + Sync {
    /// Who it is.
    fn descriptor(&self) -> Descriptor;

    /// What it can do beyond reading.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Whether a disk is this driver's, and what is known of it. `None`: not mine.
    ///
    /// # Errors
    /// Where the disk is this driver's but cannot be reached or understood, `NotFound` where it
    /// does not exist.
    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError>;

    /// What this machine is to the storage.
    fn connector(&self) -> Result<Connector, DriverError> {
        Err(DriverError::unsupported("connector"))
    }

    /// Makes a LUN that was mapped to this machine usable.
    fn connect(&self, info: &ConnectionInfo) -> Result<Connected, DriverError> {
        let _ = info;
        Err(DriverError::unsupported("connect"))
    }

    /// Undoes [`Driver::connect`]. What is not connected: succeeds.
    fn disconnect(&self, info: &ConnectionInfo) -> Result<(), DriverError> {
        let _ = info;
        Err(DriverError::unsupported("disconnect"))
    }

    /// Takes a snapshot.
    ///
    /// # Errors
    /// `Conflict` where the name is taken.
    fn snapshot_create(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        let _ = (location, name);
        Err(DriverError::unsupported("snapshot_create"))
    }

    /// Removes a snapshot. What is absent: succeeds.
    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        let _ = (location, name);
        Err(DriverError::unsupported("snapshot_delete"))
    }

    /// The names of all snapshots, also those that others made.
    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        let _ = location;
        Err(DriverError::unsupported("snapshot_list"))
    }

    /// Gives a snapshot another name; it stays the same snapshot, and change tokens that name it
    /// stay good.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Conflict` where the other name is taken, `Forbidden` where
    /// the storage refuses, `Unsupported` where snapshots keep their names.
    fn snapshot_rename(
        &self,
        location: &Location,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        let _ = (location, from, to);
        Err(DriverError::unsupported("snapshot_rename"))
    }

    /// Removes a disk that nobody needs any more, together with its snapshots whose names begin
    /// with `our_snapshots`. What is absent: succeeds.
    ///
    /// # Errors
    /// `Conflict`, and everything stays, where somebody has the disk open for writing, where it has
    /// any other snapshot, and where something depends on one of its snapshots. `Forbidden` where
    /// the storage refuses.
    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        let _ = (location, our_snapshots);
        Err(DriverError::unsupported("remove"))
    }

    /// Opens a disk or a snapshot of one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` (creating what exists), `Forbidden` (the storage refuses),
    /// `InvalidInput` (a location of another driver), `Unsupported`.
    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError>;
}

/// How the host makes a driver: what [`export_driver!`](crate::export_driver) needs.
pub trait DriverFactory: Driver + Sized + 'static {
    /// [`Descriptor::name`].
    const NAME: &'static str;
    /// [`Descriptor::vendor`].
    const VENDOR: &'static str;
    /// [`Descriptor::version`]; normally `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// Makes the driver. Quick: storage is reached by `probe` and `open`.
    ///
    /// # Errors
    /// `InvalidInput` for a wrong configuration; the driver is then disabled with this reason.
    fn create(config: &Config, host: Host) -> Result<Self, DriverError>;

    /// The three names as one value: what [`Driver::descriptor`] normally returns.
    fn static_descriptor() -> Descriptor {
        Descriptor {
            name: Self::NAME.into(),
            vendor: Self::VENDOR.into(),
            version: Self::VERSION.into(),
        }
    }
}
