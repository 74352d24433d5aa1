//! Where a repository's objects lie: a thin layer over a storage-abstraction crate.

mod backend;
mod error;
mod operator;
mod space;
mod temporary;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

pub use backend::{Backend, ObjectEntry};
pub use error::StorageError;
use operator::OperatorBackend;

use crate::{RepositoryError, Result};

/// The objects of one repository. Cheap to clone; all calls block.
#[derive(Clone)]
pub struct Storage {
    backend: Arc<dyn Backend>,
}

impl Storage {
    /// A folder of this machine, or one that it mounts. Made where it does not exist.
    pub fn local(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let backend = OperatorBackend::local(path).map_err(|source| RepositoryError::Storage {
            action: "open",
            object: path.display().to_string(),
            source,
        })?;
        Ok(Self::from_backend(Arc::new(backend)))
    }

    /// Any service of `opendal` whose writes are all or nothing and durable once acknowledged,
    /// as those of object stores are.
    pub fn new(operator: opendal::Operator) -> Result<Self> {
        let backend = OperatorBackend::remote(operator).map_err(|source| {
            RepositoryError::Storage { action: "open", object: String::new(), source }
        })?;
        Ok(Self::from_backend(Arc::new(backend)))
    }

    /// Something that keeps objects in its own way, or stands before another back end.
    pub fn from_backend(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// The back end, to put another one before it.
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    /// Writes a new object; durable and complete when this returns, absent when it fails.
    pub(crate) fn put(&self, object: &str, data: Vec<Bytes>, owner: &str) -> Result<()> {
        self.backend.put(object, data, owner).map_err(|source| failed("write", object, source))
    }

    pub(crate) fn get(&self, object: &str) -> Result<Vec<u8>> {
        self.backend.get(object).map_err(|source| failed("read", object, source))
    }

    /// `None` where the object does not exist.
    pub(crate) fn find(&self, object: &str) -> Result<Option<Vec<u8>>> {
        match self.backend.get(object) {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(source) => Err(failed("read", object, source)),
        }
    }

    pub(crate) fn get_range(&self, object: &str, range: Range<u64>) -> Result<Vec<u8>> {
        self.backend.get_range(object, range).map_err(|source| failed("read", object, source))
    }

    /// Size in bytes; `None` where the object does not exist.
    pub(crate) fn stat(&self, object: &str) -> Result<Option<u64>> {
        self.backend.stat(object).map_err(|source| failed("read", object, source))
    }

    /// Every object below a folder, in no order.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<ObjectEntry>> {
        self.backend.list(folder).map_err(|source| failed("list", folder, source))
    }

    /// Deletes an object; absent is fine.
    pub(crate) fn delete(&self, object: &str) -> Result<()> {
        self.backend.delete(object).map_err(|source| failed("delete", object, source))
    }

    /// Removes what writes of `owner` that never ended left behind.
    pub(crate) fn clean(&self, owner: &str) -> Result<()> {
        self.backend.clean(owner).map_err(|source| failed("clean", owner, source))
    }

    /// The object as a file of this machine, where it is one.
    pub(crate) fn local_path(&self, object: &str) -> Option<PathBuf> {
        self.backend.local_path(object)
    }
}

fn failed(action: &'static str, object: &str, source: StorageError) -> RepositoryError {
    RepositoryError::Storage { action, object: object.to_owned(), source }
}
