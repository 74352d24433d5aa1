use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::chunk::ChunkId;

/// The chunks read last, up to a number of bytes.
pub(super) struct Lru {
    bytes_max: usize,
    bytes: usize,
    clock: u64,
    chunks: HashMap<ChunkId, (u64, Arc<Vec<u8>>)>,
    order: BTreeMap<u64, ChunkId>,
}

impl Lru {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, clock: 0, chunks: HashMap::new(), order: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, id: &ChunkId) -> Option<Arc<Vec<u8>>> {
        let (used, chunk) = self.chunks.get_mut(id)?;
        self.order.remove(used);
        self.clock += 1;
        *used = self.clock;
        self.order.insert(self.clock, *id);
        Some(Arc::clone(chunk))
    }

    pub(super) fn put(&mut self, id: ChunkId, chunk: Arc<Vec<u8>>) {
        if self.get(&id).is_some() {
            return;
        }
        self.clock += 1;
        self.bytes += chunk.len();
        self.order.insert(self.clock, id);
        self.chunks.insert(id, (self.clock, chunk));
        while self.bytes > self.bytes_max && self.chunks.len() > 1 {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            if let Some((_, chunk)) = self.chunks.remove(&oldest) {
                self.bytes -= chunk.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(seed: u8) -> ChunkId {
        ChunkId([seed; 32])
    }

    #[test]
    fn keeps_what_was_used_last_within_its_bound() {
        let mut lru = Lru::new(300);
        for seed in 0..3 {
            lru.put(id(seed), Arc::new(vec![seed; 100]));
        }
        assert!(lru.get(&id(0)).is_some());
        lru.put(id(3), Arc::new(vec![3; 100]));
        assert!(lru.get(&id(1)).is_none());
        for seed in [0, 2, 3] {
            assert_eq!(*lru.get(&id(seed)).unwrap(), vec![seed; 100]);
        }
        assert_eq!(lru.bytes, 300);
    }
}
