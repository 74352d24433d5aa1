//! The map of a disk: a tree from chunk numbers to chunk ids.

mod build;
mod node;
mod read;

pub(crate) use build::{MapBuilder, NodeStore};
pub(crate) use node::Node;
pub(crate) use read::MapReader;

use crate::format::NODE_FANOUT;

/// Chunks that a disk of a size has.
pub(crate) fn chunk_count(size_bytes: u64, chunk_bytes: u32) -> u64 {
    size_bytes.div_ceil(u64::from(chunk_bytes))
}

/// Chunks below one node of a level.
pub(crate) fn span(level: u8) -> u64 {
    (NODE_FANOUT as u64).saturating_pow(u32::from(level) + 1)
}

/// Height of the lowest tree that reaches so many chunks.
pub(crate) fn levels(chunks: u64) -> u8 {
    let mut levels = 1;
    while span(levels - 1) < chunks {
        levels += 1;
    }
    levels
}
