//! A policy file that is watched.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::PolicyError;
use crate::yaml::{self, Entry};

/// Enough of a file's metadata to see that it is another one, or was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Whether the file was written at least so long ago.
    pub(crate) fn is_older_than(&self, age: Duration, now: SystemTime) -> bool {
        let written = self.modified.max(self.changed);
        let seconds = u64::try_from(written.0).unwrap_or_default();
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        now.duration_since(written).is_ok_and(|passed| passed > age + Duration::from_secs(1))
    }
}

/// The stamp of a file; `None` when there is no file.
pub(crate) fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a policy file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PolicyFile {
    pub(crate) path: PathBuf,
    pub(crate) entries: Vec<Entry>,
}

/// The files of a folder by name, with their stamps; hidden ones and folders are left out, and a
/// folder that does not exist has none.
pub(crate) fn folder(path: &Path) -> io::Result<Vec<(PathBuf, Stamp)>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || path.is_dir() {
            continue;
        }
        // One that has vanished since is as one that was never there.
        files.extend(stamp(&path)?.map(|stamp| (path, stamp)));
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

pub(crate) fn read(path: &Path) -> Result<PolicyFile, PolicyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| PolicyError::Unreadable { path: path.to_owned(), source })?;
    let entries = yaml::read(&text).map_err(|malformed| PolicyError::Syntax {
        path: path.to_owned(),
        line: malformed.line,
        message: malformed.message,
    })?;
    Ok(PolicyFile { path: path.to_owned(), entries })
}
