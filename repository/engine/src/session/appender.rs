//! Where the blobs of all threads of a session come together into packs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use super::Shared;
use super::pool::{Buffer, BufferPool};
use crate::crypto::Keyring;
use crate::format::{PACK_HEADER_BYTES, PACK_TARGET_BYTES};
use crate::pack::{BlobKey, ObjectId, PackEntry, end_of_pack, header};
use crate::{RepositoryError, Result};

/// While others are at work, a pack that nothing was added to for so long is closed.
const IDLE: Duration = Duration::from_millis(100);
/// While others are at work, no pack stays open for longer.
const OPEN: Duration = Duration::from_secs(1);

/// Payloads of one thread, one behind the other, each with room for its tag.
pub(super) struct Batch {
    pub(super) buffer: Buffer,
    /// Offsets are within the batch.
    pub(super) entries: Vec<PackEntry>,
}

impl Batch {
    pub(super) fn new(pool: &Arc<BufferPool>) -> Self {
        Self { buffer: pool.take(), entries: Vec::new() }
    }
}

/// A complete pack.
pub(super) struct SealedPack {
    pub(super) id: ObjectId,
    pub(super) parts: Vec<Bytes>,
    pub(super) entries: Vec<PackEntry>,
}

pub(super) struct Appender {
    open: Mutex<Option<Arc<OpenPack>>>,
    target_bytes: AtomicUsize,
}

struct OpenPack {
    key: BlobKey,
    state: Mutex<PackState>,
    opened: Instant,
}

struct PackState {
    end: usize,
    parts: Vec<Option<Bytes>>,
    entries: Vec<PackEntry>,
    /// Reserved places that are not filled yet.
    outstanding: usize,
    closed: bool,
    touched: Instant,
}

impl OpenPack {
    fn new(keyring: &Keyring) -> Result<Self> {
        let id = ObjectId::random()?;
        let state = PackState {
            end: PACK_HEADER_BYTES,
            parts: vec![Some(Bytes::copy_from_slice(&header(id)))],
            entries: Vec::new(),
            outstanding: 0,
            closed: false,
            touched: Instant::now(),
        };
        let key = BlobKey::new(keyring, id)?;
        Ok(Self { key, state: Mutex::new(state), opened: Instant::now() })
    }

    /// The pack, once nothing will be added and nothing is outstanding.
    fn take_complete(&self, domain: &str) -> Result<Option<SealedPack>> {
        let mut state = self.state.lock();
        if !state.closed || state.outstanding > 0 || state.parts.is_empty() {
            return Ok(None);
        }
        let mut parts = Vec::with_capacity(state.parts.len() + 1);
        for part in std::mem::take(&mut state.parts) {
            parts.push(part.ok_or(RepositoryError::Internal { what: "a pack has a gap" })?);
        }
        let entries = std::mem::take(&mut state.entries);
        let end = end_of_pack(&self.key, state.end as u32, domain, &entries)?;
        parts.push(Bytes::from(end));
        Ok(Some(SealedPack { id: self.key.pack(), parts, entries }))
    }
}

impl Appender {
    pub(super) fn new() -> Self {
        Self { open: Mutex::default(), target_bytes: AtomicUsize::new(PACK_TARGET_BYTES) }
    }

    /// Makes packs no larger than this from now on, to save memory.
    pub(super) fn limit(&self, target_bytes: usize) {
        self.target_bytes.fetch_min(target_bytes, Ordering::Relaxed);
    }
}

impl Shared {
    /// Gives a batch its place in a pack, seals its blobs, and sends the pack off when full.
    pub(super) fn append(&self, mut batch: Batch, check: &dyn Fn() -> Result<()>) -> Result<()> {
        if batch.entries.is_empty() {
            return Ok(());
        }
        self.check()?;
        let (pack, slot, start) = self.reserve(&mut batch)?;
        for entry in &batch.entries {
            let at = entry.offset as usize - start;
            let blob = &mut batch.buffer.filled()[at..at + entry.stored_bytes as usize];
            pack.key.seal(&entry.id, entry.offset, entry.form, blob)?;
        }
        {
            let mut state = pack.state.lock();
            state.parts[slot] = Some(batch.buffer.into_bytes());
            state.outstanding -= 1;
        }
        self.send_complete(&pack, check)
    }

    /// Turns the batch's offsets into those of its pack.
    fn reserve(&self, batch: &mut Batch) -> Result<(Arc<OpenPack>, usize, usize)> {
        let mut open = self.appender.open.lock();
        let pack = match &mut *open {
            Some(pack) => Arc::clone(pack),
            None => {
                self.uploads.begin_pack();
                Arc::clone(open.insert(Arc::new(OpenPack::new(&self.inner.keyring)?)))
            }
        };
        let mut state = pack.state.lock();
        let start = state.end;
        state.end += batch.buffer.used();
        for entry in &mut batch.entries {
            entry.offset += start as u32;
        }
        state.entries.extend_from_slice(&batch.entries);
        let slot = state.parts.len();
        state.parts.push(None);
        state.outstanding += 1;
        state.touched = Instant::now();
        if state.end >= self.appender.target_bytes.load(Ordering::Relaxed) {
            state.closed = true;
            *open = None;
        }
        drop(state);
        Ok((pack, slot, start))
    }

    /// Closes the open pack, whatever its size.
    pub(super) fn flush(&self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let pack = self.appender.open.lock().take();
        let Some(pack) = pack else { return Ok(()) };
        pack.state.lock().closed = true;
        self.send_complete(&pack, check)
    }

    /// The open pack, closed, when others may be waiting for what is in it.
    pub(super) fn take_idle(&self) -> Result<Option<SealedPack>> {
        let mut open = self.appender.open.lock();
        let idle = open.as_ref().is_some_and(|pack| {
            let state = pack.state.lock();
            state.outstanding == 0
                && (state.touched.elapsed() >= IDLE || pack.opened.elapsed() >= OPEN)
        });
        if !idle {
            return Ok(None);
        }
        let Some(pack) = open.take() else { return Ok(None) };
        drop(open);
        pack.state.lock().closed = true;
        pack.take_complete(&self.domain)
    }

    fn send_complete(&self, pack: &OpenPack, check: &dyn Fn() -> Result<()>) -> Result<()> {
        match pack.take_complete(&self.domain)? {
            Some(sealed) => self.uploads.push(sealed, check),
            None => Ok(()),
        }
    }
}
