//! A local repository does not take the last of its file system: what else lies there, the service's
//! database above all, must be able to write that there is no space.

use std::io;
use std::path::Path;

use parking_lot::Mutex;

use super::StorageError;
use super::operator::file;

/// What is left free: this part of the file system,
const FREE_PART: u64 = 16;
/// and never more than this.
const FREE_BYTES_MAX: u64 = 64 << 20;
/// Objects of at most this size may use that too: points can be deleted where nothing else fits.
const SMALL_BYTES: u64 = 64 << 10;

/// The space of a local repository's file system.
#[derive(Default)]
pub(super) struct Space {
    /// Bytes of the objects that are being written.
    writing: Mutex<u64>,
}

/// Space for an object, until it is written.
pub(super) struct Taken<'a> {
    space: &'a Space,
    size_bytes: u64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.space.writing.lock() -= self.size_bytes;
    }
}

impl Space {
    /// Takes space for an object, or says that there is none. What other processes write at the
    /// same time is not known: then it is the file system that refuses.
    pub(super) fn take(&self, root: &Path, size_bytes: u64) -> Result<Taken<'_>, StorageError> {
        let mut writing = self.writing.lock();
        if size_bytes > SMALL_BYTES {
            let there = rustix::fs::statvfs(root).map_err(|error| file(error.into()))?;
            let available = there.f_bavail.saturating_mul(there.f_frsize);
            let total = there.f_blocks.saturating_mul(there.f_frsize);
            if !fits(size_bytes.saturating_add(*writing), available, total) {
                return Err(file(io::Error::new(
                    io::ErrorKind::StorageFull,
                    format!(
                        "there is no space for {size_bytes} bytes more where {} bytes are kept free; \
                         make the file system larger, or delete restore points",
                        free(total)
                    ),
                )));
            }
        }
        *writing += size_bytes;
        Ok(Taken { space: self, size_bytes })
    }
}

/// What of a file system is left free.
fn free(total: u64) -> u64 {
    (total / FREE_PART).min(FREE_BYTES_MAX)
}

/// A file system that does not tell how large it is has to refuse by itself.
fn fits(wanted: u64, available: u64, total: u64) -> bool {
    total == 0 || wanted.checked_add(free(total)).is_some_and(|needed| needed <= available)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_last_of_a_file_system_is_left() {
        // Of small ones a part, of large ones not much.
        assert!(fits(10 * MIB, 14 * MIB, 64 * MIB));
        assert!(!fits(10 * MIB + 1, 14 * MIB, 64 * MIB));
        assert!(fits(10 * MIB, 74 * MIB, u64::MAX));
        assert!(!fits(10 * MIB, 73 * MIB, u64::MAX));
        // One that tells nothing.
        assert!(fits(10 * MIB, 0, 0));
        assert!(!fits(u64::MAX, u64::MAX, u64::MAX));
    }

    #[test]
    fn what_is_being_written_counts() {
        let folder = tempfile::tempdir().unwrap();
        let there = rustix::fs::statvfs(folder.path()).unwrap();
        // Others use that file system too, and not so much of it.
        let most = there.f_bavail * there.f_frsize / 4 * 3;
        let space = Space::default();
        let first = space.take(folder.path(), most).unwrap();
        let second = space.take(folder.path(), most).map(drop).unwrap_err();
        assert_eq!(second.kind(), firn_core::ErrorKind::QuotaExceeded);
        let small = space.take(folder.path(), SMALL_BYTES).unwrap();
        drop((first, small));
        drop(space.take(folder.path(), most).unwrap());
        assert_eq!(*space.writing.lock(), 0);
    }
}
