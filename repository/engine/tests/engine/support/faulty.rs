use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use firn_core::ErrorKind;
use firn_repository::{Backend, ObjectEntry, StorageError};

/// What happens to the writes of a storage from some operation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Everything fails and nothing is written: the process is dead.
    Dead,
    /// Like `Dead`, but the operation itself was carried out: only its answer was lost.
    DeadAfter,
    /// One write fails for want of space; all else goes on.
    NoSpace,
}

/// Stands before another back end and fails at the n-th change.
pub struct FaultyBackend {
    below: Arc<dyn Backend>,
    fault: Fault,
    /// Number of the change that fails, from 0.
    at: u64,
    changes: AtomicU64,
}

impl FaultyBackend {
    pub fn new(below: Arc<dyn Backend>, fault: Fault, at: u64) -> Self {
        Self { below, fault, at, changes: AtomicU64::new(0) }
    }

    /// Changes that were asked for so far.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn broken() -> StorageError {
        StorageError::Other { kind: ErrorKind::Unavailable, message: "the test says no".to_owned() }
    }

    /// For reads: whether the process is dead.
    fn alive(&self) -> Result<(), StorageError> {
        let dead = self.fault != Fault::NoSpace && self.changes() > self.at;
        if dead { Err(Self::broken()) } else { Ok(()) }
    }

    fn change(&self, act: impl FnOnce() -> Result<(), StorageError>) -> Result<(), StorageError> {
        let number = self.changes.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::NoSpace if number == self.at => Err(StorageError::Other {
                kind: ErrorKind::QuotaExceeded,
                message: "no space left".to_owned(),
            }),
            Fault::NoSpace => act(),
            Fault::Dead | Fault::DeadAfter if number < self.at => act(),
            Fault::DeadAfter if number == self.at => {
                act()?;
                Err(Self::broken())
            }
            Fault::Dead | Fault::DeadAfter => Err(Self::broken()),
        }
    }
}

impl Backend for FaultyBackend {
    fn put(&self, object: &str, data: Vec<Bytes>, owner: &str) -> Result<(), StorageError> {
        self.change(|| self.below.put(object, data, owner))
    }

    fn get(&self, object: &str) -> Result<Vec<u8>, StorageError> {
        self.alive()?;
        self.below.get(object)
    }

    fn get_range(&self, object: &str, range: Range<u64>) -> Result<Vec<u8>, StorageError> {
        self.alive()?;
        self.below.get_range(object, range)
    }

    fn stat(&self, object: &str) -> Result<Option<u64>, StorageError> {
        self.alive()?;
        self.below.stat(object)
    }

    fn list(&self, folder: &str) -> Result<Vec<ObjectEntry>, StorageError> {
        self.alive()?;
        self.below.list(folder)
    }

    fn delete(&self, object: &str) -> Result<(), StorageError> {
        self.change(|| self.below.delete(object))
    }

    fn clean(&self, owner: &str) -> Result<(), StorageError> {
        self.alive()?;
        self.below.clean(owner)
    }

    fn local_path(&self, object: &str) -> Option<PathBuf> {
        self.below.local_path(object)
    }
}
