//! One file with a domain XML.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use firn_core::{InstanceId, chain};

use crate::xml::MAX_BYTES;
use crate::{Domain, DomainError};

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    Domain(Box<Domain>),
    Invalid {
        /// The domain it is about, when at least that can be read.
        id: Option<InstanceId>,
        error: DomainError,
    },
    Unreadable {
        reason: String,
    },
}

impl Content {
    /// Why there is no domain, in one line.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self::Domain(_) => None,
            Self::Invalid { error, .. } => Some(chain(error)),
            Self::Unreadable { reason } => Some(reason.clone()),
        }
    }
}

/// Tells whether a file is the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size_bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether any later change must show in the stamp: clocks of file systems are coarse, so a
    /// file that changed a moment ago may change again within the same tick.
    pub(super) fn settled(&self) -> bool {
        const COARSEST_CLOCK: Duration = Duration::from_secs(2);
        let changed = u64::try_from(self.changed.0).unwrap_or(u64::MAX);
        let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(changed));
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        age.is_some_and(|age| age > COARSEST_CLOCK)
    }
}

/// Reads a file. Only regular ones: a link could lead out of the folder, a pipe would block.
pub(super) fn read(path: &Path) -> Content {
    match read_bytes(path) {
        Ok(bytes) => match Domain::parse(&bytes) {
            Ok(domain) => Content::Domain(Box::new(domain)),
            Err(error) => Content::Invalid { id: Domain::parse_id(&bytes), error },
        },
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            let reason = "it is a symbolic link: only regular files are read".to_owned();
            Content::Unreadable { reason }
        }
        Err(error) => Content::Unreadable { reason: format!("it cannot be read: {error}") },
    }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("only regular files are read"));
    }
    // One byte more than the bound, so that the parser sees that it is passed.
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
