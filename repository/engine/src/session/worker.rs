//! What one thread of a backup does with its share of a disk.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::Shared;
use super::appender::Batch;
use super::pool::BufferPool;
use crate::chunk::ChunkId;
use crate::control::Meter;
use crate::map::{MapBuilder, NodeStore};
use crate::pack::{Encoder, Form, PackEntry};
use crate::{Control, DiskStats, RepositoryError, Result, Source};

/// While others are at work, the index is listed again so often.
const REFRESH: Duration = Duration::from_millis(250);
/// With nobody else in sight, so often.
const REFRESH_ALONE: Duration = Duration::from_secs(5);
/// Chunks that one disk leaves to other sessions at most.
const DEFERRED_MAX: usize = 64 << 10;
/// A batch goes to a pack from this size on.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// A run of chunks to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) first: u64,
    pub(super) count: u64,
}

/// What all threads of one disk's backup share.
pub(super) struct DiskWork<'a> {
    pub(super) session: &'a Shared,
    pub(super) source: &'a dyn Source,
    pub(super) size_bytes: u64,
    pub(super) chunk_bytes: usize,
    pub(super) level: i32,
    pub(super) control: &'a Control,
    pub(super) meter: &'a Meter<'a>,
    pub(super) pool: Arc<BufferPool>,
    /// Chunks that another session seems to be storing.
    pub(super) deferred: Mutex<Vec<(u64, ChunkId)>>,
}

impl DiskWork<'_> {
    pub(super) fn check(&self) -> Result<()> {
        self.control.check()?;
        self.session.check()
    }
}

/// What becomes of a chunk.
enum Fate {
    Store,
    Reuse,
    Defer,
}

/// One thread.
pub(super) struct Worker<'a> {
    work: &'a DiskWork<'a>,
    encoder: Encoder,
    batch: Option<Batch>,
    plain: Vec<u8>,
    ids: Vec<Option<ChunkId>>,
    pub(super) stats: DiskStats,
}

impl<'a> Worker<'a> {
    pub(super) fn new(work: &'a DiskWork<'a>) -> Result<Self> {
        Ok(Self {
            work,
            encoder: Encoder::new(work.level)?,
            batch: None,
            plain: Vec::new(),
            ids: Vec::new(),
            stats: DiskStats::default(),
        })
    }

    /// Reads a run of chunks, stores what is new, and enters all into the map.
    pub(super) fn run(&mut self, unit: Unit, map: &MapBuilder) -> Result<()> {
        let chunk_bytes = self.work.chunk_bytes;
        let mut plain = self.read(unit)?;
        let mut ids = std::mem::take(&mut self.ids);
        ids.clear();
        let mut stored = false;
        for (place, chunk) in plain.chunks_exact(chunk_bytes).enumerate() {
            if is_zero(chunk) {
                self.stats.zero_bytes += chunk_bytes as u64;
                ids.push(None);
                continue;
            }
            let id = self.work.session.keys.data_id(chunk);
            match self.decide(&id)? {
                Fate::Store => {
                    self.store(&id, chunk, false)?;
                    stored = true;
                }
                Fate::Reuse => self.stats.reused_bytes += chunk_bytes as u64,
                Fate::Defer => self.work.deferred.lock().push((unit.first + place as u64, id)),
            }
            ids.push(Some(id));
        }
        map.set(unit.first, &ids, self)?;
        plain.clear();
        (self.plain, self.ids) = (plain, ids);
        // Nobody should wait for what this thread no longer adds to.
        if !stored { self.flush() } else { Ok(()) }
    }

    /// Reads chunks again that were left to another session, and stores those still missing.
    pub(super) fn store_deferred(&mut self, chunk: u64, id: &ChunkId) -> Result<()> {
        let plain = self.read(Unit { first: chunk, count: 1 })?;
        if self.work.session.keys.data_id(&plain) != *id {
            return Err(RepositoryError::SourceChanged);
        }
        self.store(id, &plain, false)?;
        self.plain = plain;
        Ok(())
    }

    fn read(&mut self, unit: Unit) -> Result<Vec<u8>> {
        self.work.check()?;
        let offset = unit.first * self.work.chunk_bytes as u64;
        let bytes = unit.count as usize * self.work.chunk_bytes;
        let real = bytes.min(self.work.size_bytes.saturating_sub(offset) as usize);
        let mut plain = std::mem::take(&mut self.plain);
        plain.resize(bytes, 0);
        self.work
            .source
            .read_at(offset, &mut plain[..real])
            .map_err(|source| RepositoryError::Source { offset, source })?;
        plain[real..].fill(0);
        self.stats.read_bytes += bytes as u64;
        Ok(plain)
    }

    fn decide(&self, id: &ChunkId) -> Result<Fate> {
        let session = self.work.session;
        if session.pending.contains(id) || session.inner.index.find_good(id).is_some() {
            return Ok(Fate::Reuse);
        }
        let age = if session.crowded() { REFRESH } else { REFRESH_ALONE };
        session.inner.index.refresh_older_than(age)?;
        if !session.pending.insert(id) {
            // Another thread is storing it.
            return Ok(Fate::Reuse);
        }
        if session.inner.index.find_good(id).is_some() {
            // It was published just now.
            session.pending.remove(id);
            return Ok(Fate::Reuse);
        }
        let free = match &session.inner.claims {
            Some(claims) => claims.claim(id, session.tag),
            None => true,
        };
        if free || self.work.deferred.lock().len() >= DEFERRED_MAX {
            Ok(Fate::Store)
        } else {
            Ok(Fate::Defer)
        }
    }

    /// Puts a chunk into the batch, and the batch into a pack when it is full.
    fn store(&mut self, id: &ChunkId, plain: &[u8], node: bool) -> Result<()> {
        let batch = self.batch.get_or_insert_with(|| Batch::new(&self.work.pool));
        let offset = batch.buffer.used() as u32;
        let (stored, form) = self.encoder.encode(plain, node, batch.buffer.room());
        batch.buffer.advance(stored);
        batch.entries.push(PackEntry { id: *id, offset, stored_bytes: stored as u32, form });
        debug_assert_eq!(form, Form::new(plain.len(), form.zstd(), node));
        if !node {
            self.stats.new_bytes += plain.len() as u64;
        }
        self.stats.stored_bytes += stored as u64;
        if batch.buffer.used() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Gives what is collected to a pack.
    pub(super) fn flush(&mut self) -> Result<()> {
        match self.batch.take() {
            Some(batch) => self.work.session.append(batch, &|| self.work.check()),
            None => Ok(()),
        }
    }

    pub(super) fn report(&self, bytes: u64) {
        self.work.meter.add(bytes);
    }
}

impl NodeStore for Worker<'_> {
    fn store_node(&mut self, plain: &[u8]) -> Result<ChunkId> {
        let session = self.work.session;
        let id = session.keys.node_id(plain);
        if session.inner.index.find_good(&id).is_none() && session.pending.insert(&id) {
            self.store(&id, plain, true)?;
        }
        Ok(id)
    }
}

/// Whether all bytes are zero. Looks at a page at a time, so that data is told at once.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).all(|page| page.iter().fold(0, |all, byte| all | byte) == 0)
}
