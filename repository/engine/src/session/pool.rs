use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

/// Buffers of one size that come back when what was made of them is dropped.
pub(super) struct BufferPool {
    bytes: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl BufferPool {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { bytes, free: Mutex::default() })
    }

    pub(super) fn take(self: &Arc<Self>) -> Buffer {
        let bytes = self.free.lock().pop().unwrap_or_else(|| vec![0; self.bytes]);
        Buffer { bytes, used: 0, pool: Arc::downgrade(self) }
    }
}

/// A buffer of a pool, filled from its start.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    used: usize,
    pool: Weak<BufferPool>,
}

impl Buffer {
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// What is not used yet.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.used..]
    }

    /// Counts the next bytes of the room as used.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.used += bytes;
    }

    pub(super) fn filled(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.used]
    }

    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.free.lock().push(std::mem::take(&mut self.bytes));
        }
    }
}
