use std::path::PathBuf;
use std::sync::Arc;

use firn_core::PointId;
use uuid::Uuid;

use crate::config::{self, Config};
use crate::crypto::Keyring;
use crate::format::{INDEX, PACKS, POINTS};
use crate::index::Index;
use crate::session::{Claims, forget};
use crate::{
    ChunkSize, MasterKey, PointEntry, PointRecord, RepositoryError, Result, Session, Storage,
    Usage, point,
};

/// Folder of a local repository for what is of this host only; not part of the format.
const LOCAL_FOLDER: &str = "host";

/// Parameters of a new repository.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateOptions {
    /// Size of its chunks, for good.
    pub chunk_bytes: ChunkSize,
}

/// How to work with a repository on this host.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Folder of this host for copies of the index, and for what running sessions of the host
    /// tell each other. Give all processes of a host the same. `None`: the repository's own
    /// folder where it is local, else nothing.
    pub cache_dir: Option<PathBuf>,
}

/// An open repository. Cheap to clone, usable from many threads.
#[derive(Clone)]
pub struct Repository {
    inner: Arc<Inner>,
}

/// What everything that works with an open repository shares.
pub(crate) struct Inner {
    pub(crate) storage: Storage,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) config: Config,
    pub(crate) chunk_size: ChunkSize,
    pub(crate) index: Index,
    /// For copies of index segments.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where the host has no place for it, sessions do without.
    pub(crate) claims: Option<Claims>,
}

impl Repository {
    /// Makes a new repository in an empty storage.
    pub fn create(storage: Storage, key: &MasterKey, options: CreateOptions) -> Result<Self> {
        let (config, keyring) = config::create(&storage, key, options.chunk_bytes)?;
        Self::assemble(storage, config, keyring, OpenOptions::default())
    }

    /// Opens a repository.
    pub fn open(storage: Storage, key: &MasterKey, options: OpenOptions) -> Result<Self> {
        let (config, keyring) = config::open(&storage, key)?;
        Self::assemble(storage, config, keyring, options)
    }

    fn assemble(
        storage: Storage,
        config: Config,
        keyring: Keyring,
        options: OpenOptions,
    ) -> Result<Self> {
        let chunk_size = config.chunk_size()?;
        let keyring = Arc::new(keyring);
        let name = format!("firn-{}", config.repository_id);
        let cache_dir = options.cache_dir.map(|folder| folder.join(&name));
        let claims = cache_dir
            .as_ref()
            .map(|folder| folder.join("claims"))
            .or_else(|| storage.local_path(&format!("{LOCAL_FOLDER}/claims")))
            .and_then(|path| match Claims::open(&path) {
                Ok(claims) => Some(claims),
                Err(error) => {
                    tracing::warn!(%error, "sessions of this host cannot coordinate");
                    None
                }
            });
        let index = Index::open(storage.clone(), Arc::clone(&keyring), cache_dir.clone())?;
        let inner = Inner { storage, keyring, config, chunk_size, index, cache_dir, claims };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.inner.config.repository_id
    }

    /// Size of its chunks.
    pub fn chunk_size(&self) -> ChunkSize {
        self.inner.chunk_size
    }

    /// Begins a backup. `domain` is the dedup domain: chunks are shared within it and unknown
    /// beyond it. The id must be new.
    pub fn begin(&self, id: Uuid, domain: &str) -> Result<Session> {
        Session::begin(Arc::clone(&self.inner), id, domain)
    }

    /// Removes what a session whose process died left behind; absent is fine. Never for a
    /// session that may still run: it could not commit any more.
    pub fn forget_session(&self, id: Uuid) -> Result<()> {
        forget(&self.inner.storage, id)
    }

    /// Every record of the repository, oldest first; damaged ones at the end.
    pub fn points(&self) -> Result<Vec<PointEntry>> {
        point::list(&self.inner)
    }

    /// One record.
    pub fn point(&self, id: PointId) -> Result<PointRecord> {
        point::find(&self.inner, id)?.ok_or(RepositoryError::PointNotFound { point: id })
    }

    /// Removes a point's record, damaged or not; absent is fine. Its chunks are left to garbage
    /// collection.
    pub fn delete_point(&self, id: PointId) -> Result<()> {
        self.inner.storage.delete(&point::object(id))
    }

    /// What the repository holds. Damaged records count as points of no size.
    pub fn usage(&self) -> Result<Usage> {
        let inner = &self.inner;
        inner.index.refresh()?;
        let mut usage = Usage::default();
        for entry in point::list(inner)? {
            usage.points += 1;
            if let PointEntry::Good(record) = entry {
                usage.virtual_bytes += record.disks.iter().map(|disk| disk.size_bytes).sum::<u64>();
            }
        }
        for entry in inner.storage.list(PACKS)? {
            usage.packs += 1;
            usage.stored_bytes += entry.size_bytes;
        }
        for folder in [INDEX, POINTS] {
            let listing = inner.storage.list(folder)?;
            usage.stored_bytes += listing.iter().map(|entry| entry.size_bytes).sum::<u64>();
        }
        for segment in inner.index.segments().iter() {
            if let Ok((_, plain)) = segment.totals() {
                usage.chunks += segment.entry_count();
                usage.unique_bytes += plain;
            }
        }
        Ok(usage)
    }
}
