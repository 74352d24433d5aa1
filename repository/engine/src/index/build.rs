use std::collections::BTreeSet;

use super::IndexEntry;
use super::filter;
use super::layout::Layout;
use crate::chunk::ChunkId;
use crate::crypto::Keyring;
use crate::format::{
    FORM_LENGTH_MASK, MAGIC_SEGMENT, MAGIC_SEGMENT_END, OBJECT_ID_BYTES, SEGMENT_BLOCK_BYTES,
    SEGMENT_CHECKSUM_BYTES, SEGMENT_ENTRY_BYTES, SEGMENT_FOOTER_BYTES, SEGMENT_HEADER_BYTES,
    VERSION,
};
use crate::pack::ObjectId;
use crate::{RepositoryError, Result};

/// A new segment of entries in any order.
pub(crate) fn build(
    keyring: &Keyring,
    id: ObjectId,
    replaced: &[ObjectId],
    mut entries: Vec<IndexEntry>,
) -> Result<Vec<u8>> {
    entries.sort_unstable();
    let packs = entries.iter().map(|entry| entry.location.pack).collect();
    let count = entries.len() as u64;
    let mut writer = SegmentWriter::new(id, replaced, packs, count);
    for entry in &entries {
        writer.push(entry)?;
    }
    Ok(writer.finish(keyring))
}

/// Writes a segment from entries in order, in the memory of the result.
pub(super) struct SegmentWriter {
    id: ObjectId,
    layout: Layout,
    packs: Vec<ObjectId>,
    bytes: Vec<u8>,
    /// Entries below each fan-out place, counted while they come.
    buckets: Vec<u32>,
    last: Option<IndexEntry>,
    count: u64,
    stored_bytes: u64,
    plain_bytes: u64,
}

impl SegmentWriter {
    /// `entries` is how many there will be at most.
    pub(super) fn new(
        id: ObjectId,
        replaced: &[ObjectId],
        packs: BTreeSet<ObjectId>,
        entries: u64,
    ) -> Self {
        let packs: Vec<_> = packs.into_iter().collect();
        let layout = Layout::plan(entries, packs.len() as u32, replaced.len() as u32);
        let mut bytes = Vec::with_capacity(layout.total());
        bytes.resize(SEGMENT_HEADER_BYTES, 0);
        for id in replaced.iter().chain(&packs) {
            bytes.extend_from_slice(&id.0);
        }
        bytes.resize(layout.entries_at(), 0);
        let buckets = vec![0; 1 << layout.fanout_bits];
        Self {
            id,
            layout,
            packs,
            bytes,
            buckets,
            last: None,
            count: 0,
            stored_bytes: 0,
            plain_bytes: 0,
        }
    }

    /// Takes the next entry; one equal to the last is left out.
    pub(super) fn push(&mut self, entry: &IndexEntry) -> Result<()> {
        if self.last.as_ref() == Some(entry) {
            return Ok(());
        }
        let place = self.packs.binary_search(&entry.location.pack).map_err(|_| {
            RepositoryError::Internal { what: "an index entry names a pack that is not listed" }
        })?;
        let (filter_at, entries_at) = (self.layout.filter_at(), self.layout.entries_at());
        filter::insert(&entry.id, &mut self.bytes[filter_at..entries_at]);
        self.buckets[bucket(&entry.id, self.layout.fanout_bits)] += 1;
        self.bytes.extend_from_slice(&entry.id.0);
        for number in [
            place as u32,
            entry.location.offset,
            entry.location.stored_bytes,
            entry.location.form.0,
        ] {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.count += 1;
        self.stored_bytes += u64::from(entry.location.stored_bytes);
        self.plain_bytes += u64::from(entry.location.form.0 & FORM_LENGTH_MASK);
        self.last = Some(*entry);
        Ok(())
    }

    pub(super) fn finish(mut self, keyring: &Keyring) -> Vec<u8> {
        let layout = Layout { entries: self.count, ..self.layout };
        debug_assert_eq!(
            self.bytes.len(),
            layout.entries_at() + self.count as usize * SEGMENT_ENTRY_BYTES
        );
        let mut below = 0u32;
        let mut at = layout.fanout_at();
        for count in self.buckets.iter().chain([&0]) {
            self.bytes[at..at + 4].copy_from_slice(&below.to_le_bytes());
            below += count;
            at += 4;
        }
        let header = [
            MAGIC_SEGMENT.as_slice(),
            &VERSION.to_le_bytes(),
            &(SEGMENT_BLOCK_BYTES as u32).to_le_bytes(),
            &layout.entries.to_le_bytes(),
            &layout.packs.to_le_bytes(),
            &layout.replaced.to_le_bytes(),
            &layout.fanout_bits.to_le_bytes(),
            &[0; 4],
            &layout.filter_blocks.to_le_bytes(),
            &self.stored_bytes.to_le_bytes(),
            &self.plain_bytes.to_le_bytes(),
            &self.id.0,
        ]
        .concat();
        self.bytes[..header.len()].copy_from_slice(&header);
        let key = keyring.segment(self.id);
        for number in 0..layout.blocks() {
            let checksum = block_checksum(&key, number, &self.bytes[layout.block(number)]);
            self.bytes.extend_from_slice(&checksum);
        }
        let checksums = &self.bytes[layout.checksums_at()..];
        let footer = footer(&key, layout.checksums_at() as u64, checksums);
        self.bytes.extend_from_slice(&footer);
        self.bytes
    }
}

/// Fan-out place of an id.
pub(super) fn bucket(id: &ChunkId, bits: u32) -> usize {
    id.prefix().checked_shr(64 - bits).unwrap_or(0) as usize
}

pub(super) fn block_checksum(
    key: &[u8; 32],
    number: usize,
    block: &[u8],
) -> [u8; SEGMENT_CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&(number as u64).to_le_bytes()).update(block);
    let mut checksum = [0; SEGMENT_CHECKSUM_BYTES];
    checksum.copy_from_slice(&hasher.finalize().as_bytes()[..SEGMENT_CHECKSUM_BYTES]);
    checksum
}

pub(super) fn footer(
    key: &[u8; 32],
    checksums_at: u64,
    checksums: &[u8],
) -> [u8; SEGMENT_FOOTER_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&checksums_at.to_le_bytes()).update(checksums);
    let mut footer = [0; SEGMENT_FOOTER_BYTES];
    footer[..8].copy_from_slice(&checksums_at.to_le_bytes());
    footer[8..12].copy_from_slice(&VERSION.to_le_bytes());
    footer[24..56].copy_from_slice(hasher.finalize().as_bytes());
    footer[56..].copy_from_slice(&MAGIC_SEGMENT_END);
    footer
}

const _: () = assert!(OBJECT_ID_BYTES == 16);
