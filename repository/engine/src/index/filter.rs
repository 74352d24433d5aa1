//! A Bloom filter in blocks of one cache line.

use crate::chunk::ChunkId;
use crate::format::{FILTER_BLOCK_BYTES, FILTER_PROBES};

/// The filter block of an id.
pub(super) fn block(id: &ChunkId, blocks: u64) -> u64 {
    ((u128::from(word(id, 8)) * u128::from(blocks)) >> 64) as u64
}

pub(super) fn insert(id: &ChunkId, filter: &mut [u8]) {
    let blocks = filter.len() / FILTER_BLOCK_BYTES;
    let at = block(id, blocks as u64) as usize * FILTER_BLOCK_BYTES;
    for bit in bits(id) {
        filter[at + bit / 8] |= 1 << (bit % 8);
    }
}

/// Whether a filter block may hold an id.
pub(super) fn may_hold(id: &ChunkId, filter_block: &[u8]) -> bool {
    bits(id).all(|bit| filter_block[bit / 8] & (1 << (bit % 8)) != 0)
}

fn bits(id: &ChunkId) -> impl Iterator<Item = usize> + use<> {
    let word = word(id, 16);
    (0..FILTER_PROBES).map(move |probe| (word >> (probe * 9)) as usize & 511)
}

fn word(id: &ChunkId, at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&id.0[at..at + 8]);
    u64::from_be_bytes(bytes)
}
