//! Opening the repository that the configuration names.

use firn_repository::{MasterKey, OpenOptions, Repository, RepositoryError, Storage};

use crate::worker::protocol::RepositoryAccess;

/// Opens it. Blocks.
pub(crate) fn open(access: &RepositoryAccess) -> Result<Repository, RepositoryError> {
    let key = MasterKey::load(&access.key_file)?;
    let storage = Storage::local(&access.path)?;
    Repository::open(storage, &key, OpenOptions { cache_dir: Some(access.cache_dir.clone()) })
}
