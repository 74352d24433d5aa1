use std::path::PathBuf;

use firn_core::{ExtentList, PointId};
use uuid::Uuid;

use crate::{
    ChunkSize, Control, DiskImage, DiskPlan, DiskRecord, MasterKey, NewPoint, PointEntry,
    PointRecord, RebuildReport, RepositoryError, RestoreStats, Result, Sink, Source, Storage,
    Usage, VerifyReport, VerifyScope,
};

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

/// How to restore a disk.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// Threads that read, decrypt and write; 0 lets the engine choose.
    pub threads: usize,
    /// Bound on the memory of the restore.
    pub memory_bytes: u64,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { threads: 0, memory_bytes: DiskPlan::MEMORY_BYTES }
    }
}

/// An open repository. Cheap to clone, usable from many threads.
#[derive(Clone)]
pub struct Repository {
    storage: Storage,
}

/// One backup at work: disks are added, then a point is committed. Dropped without either, it
/// aborts.
pub struct Session {
    id: Uuid,
}

/// Random reads of a disk in the repository.
pub struct DiskReader {
    size_bytes: u64,
}

fn later<T>() -> Result<T> {
    Err(RepositoryError::Internal { what: "not part of this build" })
}

impl Repository {
    /// Makes a new repository in an empty storage.
    pub fn create(_storage: Storage, _key: &MasterKey, _options: CreateOptions) -> Result<Self> {
        later()
    }

    /// Opens a repository.
    pub fn open(_storage: Storage, _key: &MasterKey, _options: OpenOptions) -> Result<Self> {
        later()
    }

    /// Size of its chunks.
    pub fn chunk_size(&self) -> ChunkSize {
        ChunkSize::default()
    }

    /// Begins a backup. `domain` is the dedup domain: chunks are shared within it and unknown
    /// beyond it.
    pub fn begin(&self, id: Uuid, _domain: &str) -> Result<Session> {
        let _ = (&self.storage, Session { id }.id);
        later()
    }

    /// Removes what a session whose process died left behind; absent is fine. Never for a
    /// session that may still run.
    pub fn forget_session(&self, _id: Uuid) -> Result<()> {
        later()
    }

    /// Every record of the repository, oldest first; damaged ones at the end.
    pub fn points(&self) -> Result<Vec<PointEntry>> {
        later()
    }

    /// One record.
    pub fn point(&self, _id: PointId) -> Result<PointRecord> {
        later()
    }

    /// Removes a point's record; absent is fine. Its chunks are left to garbage collection.
    pub fn delete_point(&self, _id: PointId) -> Result<()> {
        later()
    }

    /// Writes a disk's data to a sink that holds zeros.
    pub fn restore_disk(
        &self,
        _disk: &DiskRecord,
        _domain: &str,
        _sink: &dyn Sink,
        _options: RestoreOptions,
        _control: &Control,
    ) -> Result<RestoreStats> {
        later()
    }

    /// Opens a disk for random reads.
    pub fn open_disk(&self, _disk: &DiskRecord, _domain: &str) -> Result<DiskReader> {
        later()
    }

    /// Looks for damage, quarantines damaged chunks so that the next backup stores them anew,
    /// and names all that is affected. Progress counts stored bytes read.
    pub fn verify(&self, _scope: &VerifyScope, _control: &Control) -> Result<VerifyReport> {
        later()
    }

    /// Makes the index anew from the packs.
    pub fn rebuild_index(&self, _control: &Control) -> Result<RebuildReport> {
        later()
    }

    /// What the repository holds.
    pub fn usage(&self) -> Result<Usage> {
        later()
    }
}

impl Session {
    /// Its id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Stores a disk. Several disks may be stored at once.
    pub fn backup_disk(
        &self,
        _source: &dyn Source,
        _plan: &DiskPlan,
        _control: &Control,
    ) -> Result<DiskImage> {
        later()
    }

    /// Publishes the index, then the record: from then on the point exists. The same point
    /// committed again gives the record that is there.
    pub fn commit(&self, _point: NewPoint) -> Result<PointRecord> {
        later()
    }

    /// Ends without a point. What was stored stays for others to use until garbage collection.
    pub fn abort(self) -> Result<()> {
        later()
    }
}

impl DiskReader {
    /// Size in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills `buffer` with the bytes from `offset` on. From any number of threads.
    pub fn read_at(&self, _offset: u64, _buffer: &mut [u8]) -> Result<()> {
        later()
    }

    /// Where data is stored; everything else is zero.
    pub fn data_extents(&self) -> Result<ExtentList> {
        later()
    }
}
