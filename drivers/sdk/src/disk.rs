use crate::{DriverError, Extent, ExtentList, Location};

/// What to open, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// As given by `probe` or `connect`.
    pub location: Location,
    /// A snapshot of the disk by name; `None` opens the disk itself. Snapshots are read-only.
    pub snapshot: Option<String>,
    /// The right that is asked for.
    pub access: Access,
}

/// What an opened disk may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read. The driver itself opens the medium read-only.
    ReadOnly,
    /// Read and write what exists.
    Writable,
    /// Make a new disk, sparse and all zero, and write it. It must not exist yet (`Conflict`).
    Create {
        /// Size of the new disk in bytes.
        size_bytes: u64,
    },
}

/// One piece of a vectored read.
#[derive(Debug)]
pub struct ReadRequest<'a> {
    /// First byte on the disk.
    pub offset: u64,
    /// Filled whole where the read succeeds.
    pub buffer: &'a mut [u8],
}

/// An opened disk. Every method may be called from any thread, several at once.
///
/// Dropping a disk without [`Disk::close`] must free what it holds, silently.
pub trait Disk: Send + Sync {
    /// Size in bytes, as the guest sees it. Constant while open.
    fn size_bytes(&self) -> u64;

    /// Fills every buffer, or fails as a whole (the buffers' content is then undefined). Callable
    /// from many threads at once. No requests, and empty buffers, succeed.
    ///
    /// # Errors
    /// `InvalidInput` where a request passes the end of the disk.
    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError>;

    /// The parts of `range` that may hold other bytes than zero; all of `range` where the storage
    /// cannot tell. `range` is cut at the end of the disk.
    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError>;

    /// A name for this disk's content now, to be kept and given to
    /// [`Disk::extents_changed`] of a later open. `None`: changes are not tracked.
    fn change_token(&self) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    /// The parts that may differ from the content that `from` names, over the whole disk. More
    /// than what changed is allowed, less never.
    ///
    /// # Errors
    /// `Unsupported`, `NotFound` (the base is gone) or `Conflict` (it is not consistent) where it
    /// cannot be told: the caller then reads everything.
    fn extents_changed(&self, from: &str) -> Result<ExtentList, DriverError> {
        let _ = from;
        Err(DriverError::unsupported("extents_changed"))
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    /// `Forbidden` on a read-only disk, `InvalidInput` past the end, `QuotaExceeded` where the
    /// storage is full.
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError>;

    /// Makes `extent` read as zero, freeing its space where the storage can.
    ///
    /// # Errors
    /// As [`Disk::write`].
    fn zero(&self, extent: Extent) -> Result<(), DriverError>;

    /// Returns when everything written before it survives a power loss. Does nothing on a
    /// read-only disk.
    fn flush(&self) -> Result<(), DriverError>;

    /// From any thread: calls that run, and all later ones but `close`, fail within seconds with
    /// an error whose [`DriverError::is_cancelled`] is true. There is no way back.
    fn cancel(&self);

    /// Ends the use of the disk; the last call. A second one does nothing.
    ///
    /// # Errors
    /// `Conflict` where a disk opened read-only without a snapshot may have changed since it was
    /// opened: what was read is then not one point in time. Everything is freed nevertheless.
    fn close(&self) -> Result<(), DriverError>;
}
