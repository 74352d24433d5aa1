//! The folder that holds everything of a standalone service.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use firn_repository::{
    ChunkSize, CreateOptions, MasterKey, OpenOptions as RepositoryOptions, Repository,
    RepositoryError, Storage,
};

/// Where things lie below the state folder.
pub(crate) struct StateDir {
    root: PathBuf,
    /// Held as long as the service runs: one service a folder.
    _lock: File,
}

/// Why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateDirError {
    #[error("cannot use {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another firn uses {path}: stop it, or choose another --state-dir")]
    InUse { path: PathBuf },
    #[error(
        "the repository {repository} exists and its key file {key} does not: put the key file back, without it the repository cannot be read"
    )]
    KeyMissing { repository: PathBuf, key: PathBuf },
    #[error("cannot open the repository {path}")]
    Repository {
        path: PathBuf,
        #[source]
        source: RepositoryError,
    },
}

impl StateDir {
    /// Makes what is missing and takes the folder for this process.
    pub(crate) fn take(root: &Path) -> Result<Self, StateDirError> {
        make_dir(root)?;
        let root = root.canonicalize().map_err(io_error(root))?;
        let path = root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_error(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StateDirError::InUse { path: root }),
            Err(fs::TryLockError::Error(source)) => return Err(StateDirError::Io { path, source }),
        }
        let state = Self { root, _lock: lock };
        for folder in [state.restores(), state.cache(), state.runtime()] {
            make_dir(&folder)?;
        }
        Ok(state)
    }

    pub(crate) fn database_url(&self) -> String {
        format!("sqlite://{}", self.root.join("firn.db").display())
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.root.join("firn.key")
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.root.join("repository")
    }

    pub(crate) fn restores(&self) -> PathBuf {
        self.root.join("restores")
    }

    /// Copies of the repository's index.
    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Sockets of running drivers.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Opens the repository, or makes it and its key where neither exists.
    pub(crate) fn open_repository(
        &self,
        chunk_bytes: ChunkSize,
    ) -> Result<Repository, StateDirError> {
        let (path, key) = (self.repository(), self.key_file());
        let exists = path.exists();
        if exists && !key.exists() {
            return Err(StateDirError::KeyMissing { repository: path, key });
        }
        let open = || {
            if !key.exists() {
                MasterKey::generate()?.store_new(&key)?;
            }
            let master = MasterKey::load(&key)?;
            let options = RepositoryOptions { cache_dir: Some(self.cache()) };
            match Repository::open(Storage::local(&path)?, &master, options) {
                // Also what a crash between making the folder and its first object leaves.
                Err(RepositoryError::NoRepository) => {
                    let options = CreateOptions { chunk_bytes };
                    Repository::create(Storage::local(&path)?, &master, options)
                }
                opened => opened,
            }
        };
        open().map_err(|source| StateDirError::Repository { path: path.clone(), source })
    }
}

fn make_dir(path: &Path) -> Result<(), StateDirError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StateDirError + '_ {
    |source| StateDirError::Io { path: path.to_owned(), source }
}
