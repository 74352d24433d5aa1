//! Backups: sessions that store disks and commit a point.

mod appender;
mod backup;
mod claims;
mod commit;
mod marker;
mod pool;
mod publish;
mod uploader;
mod worker;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::JoinHandle;

use firn_core::ErrorKind;
use parking_lot::Mutex;
use uuid::Uuid;

use appender::Appender;
pub(crate) use claims::Claims;
pub(crate) use marker::remove as forget;
use uploader::Uploads;

use crate::chunk::ChunkId;
use crate::crypto::DomainKeys;
use crate::pack::ObjectId;
use crate::repository::Inner;
use crate::{RepositoryError, Result};

/// Locks that the set of pending chunks is spread over.
const SHARDS: usize = 64;

/// One backup at work: disks are added, then a point is committed. Dropped without either, it
/// aborts.
pub struct Session {
    shared: Arc<Shared>,
    uploaders: Vec<JoinHandle<()>>,
    ended: AtomicBool,
}

/// What the threads of a session share.
pub(crate) struct Shared {
    pub(crate) inner: Arc<Inner>,
    pub(crate) id: Uuid,
    pub(crate) domain: String,
    pub(crate) keys: DomainKeys,
    /// Names the session among those that share a table of claims.
    tag: u16,
    /// Place among the live sessions, for where to start.
    rank: AtomicU16,
    /// Whether other sessions seem to be at work.
    crowded: AtomicBool,
    pending: Pending,
    appender: Appender,
    uploads: Uploads,
    failure: Mutex<Option<Failure>>,
    /// Segments published by this session and not merged away.
    segments: Mutex<Vec<ObjectId>>,
}

/// Chunks that this session is storing and has not published yet.
struct Pending(Vec<Mutex<HashSet<ChunkId>>>);

impl Pending {
    fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    fn shard(&self, id: &ChunkId) -> &Mutex<HashSet<ChunkId>> {
        &self.0[usize::from(id.0[0]) % SHARDS]
    }

    /// Whether nobody was storing it.
    fn insert(&self, id: &ChunkId) -> bool {
        self.shard(id).lock().insert(*id)
    }

    fn contains(&self, id: &ChunkId) -> bool {
        self.shard(id).lock().contains(id)
    }

    fn remove(&self, id: &ChunkId) {
        self.shard(id).lock().remove(id);
    }
}

/// The first failure of a session: told in full once, and in short to all later callers.
struct Failure {
    error: Option<RepositoryError>,
    reason: String,
    kind: ErrorKind,
}

impl Session {
    pub(crate) fn begin(inner: Arc<Inner>, id: Uuid, domain: &str) -> Result<Self> {
        if domain.len() > usize::from(u16::MAX) {
            return Err(RepositoryError::Invalid {
                what: format!("a dedup domain has at most {} bytes", u16::MAX),
            });
        }
        marker::write(&inner.storage, id)?;
        let others = marker::others(&inner.storage, id)?;
        let shared = Arc::new(Shared {
            keys: inner.keyring.domain(domain),
            id,
            domain: domain.to_owned(),
            tag: u16::from_le_bytes(crate::crypto::random()?),
            rank: AtomicU16::new(others.rank),
            crowded: AtomicBool::new(others.live > 0),
            pending: Pending::new(),
            appender: Appender::new(),
            uploads: Uploads::new(),
            failure: Mutex::default(),
            segments: Mutex::default(),
            inner,
        });
        shared.inner.index.refresh()?;
        let uploaders = uploader::start(&shared)?;
        Ok(Self { shared, uploaders, ended: AtomicBool::new(false) })
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.shared.id
    }

    /// Ends without a point. What was stored stays for others to use until garbage collection.
    pub fn abort(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.shared.uploads.close();
        for uploader in self.uploaders.drain(..) {
            if uploader.join().is_err() {
                self.shared.fail(RepositoryError::Internal { what: "an upload thread panicked" });
            }
        }
        if self.ended.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        marker::remove(&self.shared.inner.storage, self.shared.id)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(session = %self.shared.id, %error, "cannot remove a session's marker");
        }
    }
}

impl Shared {
    /// Notes the first failure: nothing more can be stored.
    fn fail(&self, error: RepositoryError) {
        let mut failure = self.failure.lock();
        if failure.is_none() {
            let kind = error.kind();
            *failure = Some(Failure { reason: error.to_string(), kind, error: Some(error) });
        }
    }

    /// Like [`fail`](Self::fail), for a failure that its caller is told already.
    fn poison(&self, error: &RepositoryError) {
        self.failure.lock().get_or_insert(Failure {
            error: None,
            reason: error.to_string(),
            kind: error.kind(),
        });
    }

    /// An error once something has failed.
    fn check(&self) -> Result<()> {
        match &mut *self.failure.lock() {
            None => Ok(()),
            Some(failure) => Err(match failure.error.take() {
                Some(error) => error,
                None => RepositoryError::SessionFailed {
                    reason: failure.reason.clone(),
                    kind: failure.kind,
                },
            }),
        }
    }

    fn crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Looks again who is at work.
    fn look_around(&self) -> Result<()> {
        let others = marker::others(&self.inner.storage, self.id)?;
        self.crowded.store(others.live > 0, Ordering::Relaxed);
        Ok(())
    }
}
