use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

/// One test's folder; everything that the test makes lies in it.
pub struct Ground {
    /// Taken when dropped.
    folder: Option<TempDir>,
}

impl Default for Ground {
    fn default() -> Self {
        Self::new()
    }
}

impl Ground {
    /// A new folder with the folders that a service wants.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("firn-test-").tempdir().unwrap();
        let ground = Self { folder: Some(folder) };
        for folder in [ground.domains(), ground.disks(), ground.path().join("tmp")] {
            fs::create_dir(folder).unwrap();
        }
        ground
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    /// The service's state folder; the service makes it.
    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// The repository in the state folder.
    pub fn repository(&self) -> PathBuf {
        self.state().join("repository")
    }

    /// Where restores end up.
    pub fn restores(&self) -> PathBuf {
        self.state().join("restores")
    }

    /// Domain XML.
    pub fn domains(&self) -> PathBuf {
        self.path().join("domains")
    }

    /// Disk images.
    pub fn disks(&self) -> PathBuf {
        self.path().join("disks")
    }

    /// Every file below the folder with its size, but not the contents of `state`: what the
    /// service has no business to change.
    pub fn outside_state(&self) -> Vec<(PathBuf, u64)> {
        let (state, log) = (self.state(), self.path().join("tmp"));
        let mut found = tree(self.path(), &|path| path == state || path == log);
        found.retain(|(path, _)| path.extension().is_none_or(|extension| extension != "log"));
        found
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let Some(folder) = self.folder.take() else { return };
        let path = folder.path().to_owned();
        if let Err(error) = folder.close() {
            assert!(thread::panicking(), "{} stays: {error}", path.display());
        }
    }
}

/// Everything below a folder with its size, sorted, without going into what `skip` names.
pub(crate) fn tree(folder: &Path, skip: &dyn Fn(&Path) -> bool) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder may go away while it is looked at.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
            if metadata.is_dir() && !skip(&path) {
                folders.push(path.clone());
            }
            found.push((path, if metadata.is_file() { metadata.len() } else { 0 }));
        }
    }
    found.sort();
    found
}
