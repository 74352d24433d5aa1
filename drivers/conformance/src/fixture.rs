use std::error::Error;

use firn_driver_sdk::{Capabilities, DiskLocation, Location};

use crate::Content;

/// What a fixture's method gives; an error fails the check with its text.
pub type FixtureResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where a disk that does not exist yet may be created.
#[derive(Clone, Debug)]
pub struct NewDisk {
    /// For the driver's `open`.
    pub location: Location,
    /// For the driver's `probe` and for the fixture, once it exists.
    pub disk: DiskLocation,
}

/// A driver's medium, handled without the driver. Methods with a default are for what not every
/// medium has.
pub trait Fixture {
    /// What the driver must claim.
    fn capabilities(&self) -> Capabilities;

    /// What the driver can do with the disks that this fixture makes, where that is less than it
    /// claims for all its kinds of disks. Decides which checks apply.
    fn disk_capabilities(&self) -> Capabilities {
        self.capabilities()
    }

    /// Disks are multiples of this many bytes.
    fn size_granularity_bytes(&self) -> u64 {
        512
    }

    /// Makes a disk with this content, sparse where the medium can be. `name` is of `[a-z0-9-]`
    /// and not taken.
    fn make_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation>;

    /// Removes a disk that `make_disk` made.
    fn remove_disk(&self, disk: &DiskLocation) -> FixtureResult<()>;

    /// The bytes of a disk, as a guest reads them.
    fn read_disk(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>>;

    /// Everything that the medium stores of a disk, the guest's bytes and whatever is kept with
    /// them: equal before and after means that nothing was written.
    fn fingerprint(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>>;

    /// Writes to a disk as its guest would. `false`: the medium keeps a writer out while the disk
    /// is open.
    fn guest_writes(&self, disk: &DiskLocation, offset: u64, data: &[u8]) -> FixtureResult<bool>;

    /// Disks of other kinds of storage, which the driver must leave to others. At least one.
    fn foreign_disks(&self) -> Vec<DiskLocation>;

    /// A disk that would be the driver's, if it existed.
    fn absent_disk(&self) -> DiskLocation;

    /// As `make_disk`, with tracking of changes on. Needed where the driver claims
    /// `changed_blocks`.
    fn make_tracked_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        self.make_disk(name, content)
    }

    /// What happens to a tracked disk between two backups, when `guest_writes` is not enough to
    /// make the changes known: a guest that is shut off, say.
    fn settle(&self, disk: &DiskLocation) -> FixtureResult<()> {
        let _ = disk;
        Ok(())
    }

    /// A place for a new disk. Needed where the driver claims `create`.
    fn new_disk(&self, name: &str) -> FixtureResult<NewDisk> {
        Err(format!("the fixture has no place for a new disk {name}").into())
    }
}
