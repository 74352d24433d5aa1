use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;

use super::StorageError;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Path within the repository.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// What the engine asks of a storage. All calls block and come from many threads.
pub trait Backend: Send + Sync {
    /// Writes a new object from the pieces of its content. When it returns, the object is
    /// complete and survives a power cut; when it fails, the object does not exist. An object
    /// that exists already is never changed: that is an error. `owner` names the session or
    /// task for [`clean`](Self::clean).
    fn put(&self, object: &str, data: Vec<Bytes>, owner: &str) -> Result<(), StorageError>;

    /// The whole content.
    fn get(&self, object: &str) -> Result<Vec<u8>, StorageError>;

    /// The bytes of a range; fewer where the object ends before.
    fn get_range(&self, object: &str, range: Range<u64>) -> Result<Vec<u8>, StorageError>;

    /// Size in bytes; `None` where the object does not exist.
    fn stat(&self, object: &str) -> Result<Option<u64>, StorageError>;

    /// Every object below a folder (which ends with `/`), in no order; none where the folder
    /// does not exist. An object written before the call began is in it; one written or
    /// deleted meanwhile may be.
    fn list(&self, folder: &str) -> Result<Vec<ObjectEntry>, StorageError>;

    /// Deletes an object, durably; absent is fine.
    fn delete(&self, object: &str) -> Result<(), StorageError>;

    /// Removes what unfinished writes of `owner` left behind. Its process must be dead.
    fn clean(&self, owner: &str) -> Result<(), StorageError>;

    /// The object as a file of this machine, where it is one that may be mapped.
    fn local_path(&self, object: &str) -> Option<PathBuf>;
}
