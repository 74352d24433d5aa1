use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use uuid::Uuid;

use super::StorageError;
use super::operator::file;
use super::space::{Space, Taken};

/// Folder of writes that are under way. Only local repositories have it.
const TEMPORARY: &str = "tmp";

/// What a local folder needs beyond the storage crate's file service to keep the promises of
/// [`Backend::put`](super::Backend::put). That service flushes and fsyncs a file before it
/// closes it, but writes in place or replaces, and never fsyncs a folder.
pub(super) struct Folder {
    root: PathBuf,
    /// Folders known to exist and to be durable.
    ready: Mutex<HashSet<PathBuf>>,
    space: Space,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, ready: Mutex::default(), space: Space::default() }
    }

    /// Space for an object that is going to be written.
    pub(super) fn take_space(&self, size_bytes: u64) -> Result<Taken<'_>, StorageError> {
        self.space.take(&self.root, size_bytes)
    }

    pub(super) fn path(&self, object: &str) -> PathBuf {
        self.root.join(object)
    }

    /// A name, below the root, for an object of `owner` that is being written.
    pub(super) fn temporary(&self, owner: &str) -> String {
        format!("{TEMPORARY}/{owner}.{}", Uuid::new_v4().simple())
    }

    /// Gives a written and synced file its name, atomically and durably, and never over
    /// another one.
    pub(super) fn publish(&self, temporary: &str, object: &str) -> Result<(), StorageError> {
        let (from, to) = (self.path(temporary), self.path(object));
        self.prepare_parent(&to)?;
        match fs::hard_link(&from, &to) {
            Ok(()) => fs::remove_file(&from).map_err(file)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(StorageError::Exists);
            }
            // Some file systems have no hard links. Names are random, so that the check and the
            // rename need not be one step.
            Err(error)
                if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) =>
            {
                if to.try_exists().map_err(file)? {
                    return Err(StorageError::Exists);
                }
                fs::rename(&from, &to).map_err(file)?;
            }
            Err(error) => return Err(file(error)),
        }
        self.sync_parent(object)
    }

    /// Best effort: what stays is removed by [`clean`](Self::clean).
    pub(super) fn discard(&self, temporary: &str) {
        let path = self.path(temporary);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove a temporary file");
        }
    }

    pub(super) fn clean(&self, owner: &str) -> Result<(), StorageError> {
        let entries = match fs::read_dir(self.root.join(TEMPORARY)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(file(error)),
        };
        let prefix = format!("{owner}.");
        for entry in entries {
            let entry = entry.map_err(file)?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(file(error)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Makes the entries of the object's folder durable.
    pub(super) fn sync_parent(&self, object: &str) -> Result<(), StorageError> {
        match self.path(object).parent() {
            Some(parent) => sync_folder(parent),
            None => Ok(()),
        }
    }

    fn prepare_parent(&self, path: &Path) -> Result<(), StorageError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if self.ready.lock().contains(parent) {
            return Ok(());
        }
        fs::create_dir_all(parent).map_err(file)?;
        for folder in parent.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root))
        {
            sync_folder(folder)?;
        }
        self.ready.lock().insert(parent.to_owned());
        Ok(())
    }
}

/// A folder that is gone has nothing to make durable.
fn sync_folder(folder: &Path) -> Result<(), StorageError> {
    match File::open(folder) {
        Ok(handle) => handle.sync_all().map_err(file),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file(error)),
    }
}
