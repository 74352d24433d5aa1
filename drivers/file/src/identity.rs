use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

/// Which file it is and when it last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    /// Inode number.
    pub(crate) inode: u64,
    /// Size of the file in bytes.
    pub(crate) size_bytes: u64,
    /// Last change of content: nanoseconds since 1970.
    pub(crate) modified_ns: i128,
    changed_ns: i128,
}

impl Identity {
    /// What the system says of an open file. The times of a block device say nothing of its
    /// content and are left out.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::from(&metadata))
    }

    /// Whether `metadata` is of the same file, whatever its content.
    pub(crate) fn is_file(&self, metadata: &Metadata) -> bool {
        metadata.dev() == self.device && metadata.ino() == self.inode
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        let time = |seconds: i64, nanoseconds: i64| {
            if metadata.is_file() {
                i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
            } else {
                0
            }
        };
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size_bytes: metadata.len(),
            modified_ns: time(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: time(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
