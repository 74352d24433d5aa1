use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use firn_core::InstanceId;

/// Which guests may be frozen, for the next start of this process: an empty file each, called by its
/// UUID.
#[derive(Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Durable when it returns.
    pub(super) fn add(&self, id: InstanceId) -> io::Result<()> {
        // Only the folder itself is private: what is above may be others' too.
        self.folder.parent().map_or(Ok(()), fs::create_dir_all)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        File::create(self.folder.join(id.to_string()))?;
        File::open(&self.folder)?.sync_all()
    }

    /// One that comes back after a crash costs a thaw too many, and no more.
    pub(super) fn remove(&self, id: InstanceId) -> io::Result<()> {
        match fs::remove_file(self.folder.join(id.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    pub(super) fn list(&self) -> io::Result<Vec<InstanceId>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(id) => ids.push(id),
                None => tracing::warn!(?name, "not a record of a frozen guest"),
            }
        }
        Ok(ids)
    }
}
