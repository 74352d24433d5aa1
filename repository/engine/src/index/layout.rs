use std::ops::Range;

use crate::format::{
    FILTER_BITS_PER_ENTRY, FILTER_BLOCK_BYTES, OBJECT_ID_BYTES, SEGMENT_BLOCK_BYTES,
    SEGMENT_BUCKET_ENTRIES, SEGMENT_CHECKSUM_BYTES, SEGMENT_ENTRY_BYTES, SEGMENT_FANOUT_BITS_MAX,
    SEGMENT_FOOTER_BYTES, SEGMENT_HEADER_BYTES,
};

/// The numbers that fix where everything in a segment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) entries: u64,
    pub(super) packs: u32,
    pub(super) replaced: u32,
    pub(super) fanout_bits: u32,
    pub(super) filter_blocks: u64,
}

impl Layout {
    /// For a segment of at most `entries`.
    pub(super) fn plan(entries: u64, packs: u32, replaced: u32) -> Self {
        let buckets = (entries / SEGMENT_BUCKET_ENTRIES).max(1);
        let fanout_bits = buckets.ilog2().min(SEGMENT_FANOUT_BITS_MAX);
        let filter_bits = FILTER_BLOCK_BYTES as u64 * 8;
        let filter_blocks = (entries * FILTER_BITS_PER_ENTRY).div_ceil(filter_bits).max(1);
        Self { entries, packs, replaced, fanout_bits, filter_blocks }
    }

    pub(super) fn replaced_at(&self) -> usize {
        SEGMENT_HEADER_BYTES
    }

    pub(super) fn packs_at(&self) -> usize {
        self.replaced_at() + self.replaced as usize * OBJECT_ID_BYTES
    }

    pub(super) fn fanout_at(&self) -> usize {
        self.packs_at() + self.packs as usize * OBJECT_ID_BYTES
    }

    pub(super) fn filter_at(&self) -> usize {
        self.fanout_at() + ((1 << self.fanout_bits) + 1) * 4
    }

    pub(super) fn entries_at(&self) -> usize {
        self.filter_at() + self.filter_blocks as usize * FILTER_BLOCK_BYTES
    }

    pub(super) fn checksums_at(&self) -> usize {
        self.entries_at() + self.entries as usize * SEGMENT_ENTRY_BYTES
    }

    pub(super) fn blocks(&self) -> usize {
        self.checksums_at().div_ceil(SEGMENT_BLOCK_BYTES)
    }

    pub(super) fn footer_at(&self) -> usize {
        self.checksums_at() + self.blocks() * SEGMENT_CHECKSUM_BYTES
    }

    pub(super) fn total(&self) -> usize {
        self.footer_at() + SEGMENT_FOOTER_BYTES
    }

    pub(super) fn block(&self, number: usize) -> Range<usize> {
        let start = number * SEGMENT_BLOCK_BYTES;
        start..(start + SEGMENT_BLOCK_BYTES).min(self.checksums_at())
    }
}
