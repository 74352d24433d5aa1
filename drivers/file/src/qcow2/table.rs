use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::bytes::{ReadAt, read};
use super::header::Header;

/// Bits 9 to 55 of an entry of either level: where the table or cluster lies.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// The cluster is owned by this table alone: nothing to a reader.
const COPIED: u64 = 1 << 63;
/// The cluster reads as zero; since version 3.
const ZERO: u64 = 1;
/// QEMU's own limit.
const L1_LIMIT_BYTES: u64 = 32 << 20;
const CACHE_BYTES: u64 = 16 << 20;

/// Where one cluster of the disk comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cluster {
    /// Its bytes lie in the image from this offset on.
    Data(u64),
    /// It reads as zero.
    Zero,
    /// The backing file has it; without one it reads as zero.
    Unallocated,
    /// Compressed, or nothing that we would judge: QEMU knows.
    Other,
}

/// The two-level table of an image, read-only. Whatever is not plainly by the specification is
/// [`Cluster::Other`]: nothing is ever guessed here.
#[derive(Debug)]
pub(crate) struct Table {
    l1: Vec<u64>,
    cluster_bytes: u64,
    version: u32,
    /// Second-level tables by their place in the first, newest last.
    cache: Mutex<VecDeque<(u64, Arc<[u64]>)>>,
}

impl Table {
    /// Loads the first level; `None` for an image with clusters of another kind, or a table that
    /// cannot be.
    pub(crate) fn new(source: &(impl ReadAt + ?Sized), header: &Header) -> Option<Self> {
        let (offset, entries) = header.plain_l1?;
        let needed = header.size_bytes.div_ceil(header.cluster_bytes * header.cluster_bytes / 8);
        if needed * 8 > L1_LIMIT_BYTES || needed > u64::from(entries) {
            return None;
        }
        Some(Self {
            l1: entries_at(source, offset, needed as usize)?,
            cluster_bytes: header.cluster_bytes,
            version: header.version,
            cache: Mutex::default(),
        })
    }

    /// Size of a cluster.
    pub(crate) fn cluster_bytes(&self) -> u64 {
        self.cluster_bytes
    }

    /// A digest of where the clusters of each `region_bytes` of the disk lie, up to `size_bytes`;
    /// `None` where a table cannot be read, or `region_bytes` is no whole number of clusters.
    pub(crate) fn digests(
        &self,
        source: &(impl ReadAt + ?Sized),
        region_bytes: u64,
        size_bytes: u64,
    ) -> Option<Vec<u32>> {
        if region_bytes == 0 || !region_bytes.is_multiple_of(self.cluster_bytes) {
            return None;
        }
        let entries = self.cluster_bytes / 8;
        let clusters = size_bytes.div_ceil(self.cluster_bytes);
        if clusters.div_ceil(entries) > self.l1.len() as u64 {
            return None;
        }
        let a_region = region_bytes / self.cluster_bytes;
        let mut digests = Vec::new();
        let mut first = 0;
        while first < clusters {
            let end = (first + a_region).min(clusters);
            let mut hasher = blake3::Hasher::new();
            let mut at = first;
            while at < end {
                let (place, index) = (at / entries, at % entries);
                let count = (entries - index).min(end - at);
                let table = match self.l1[place as usize] & OFFSET {
                    0 => None,
                    offset => Some(self.second(source, place, offset)?),
                };
                let here = table.as_ref().map(|table| &table[index as usize..][..count as usize]);
                // Runs of nothing are not looked through: most of a large disk is that.
                for (number, entry) in here.unwrap_or_default().iter().enumerate() {
                    if *entry != 0 {
                        hasher.update(&(at + number as u64).to_le_bytes());
                        hasher.update(&(entry & !COPIED).to_le_bytes());
                    }
                }
                at += count;
            }
            let digest = hasher.finalize();
            digests.push(u32::from_le_bytes(*digest.as_bytes().first_chunk()?));
            first = end;
        }
        Some(digests)
    }

    /// Where the cluster that holds byte `at` of the disk comes from.
    pub(crate) fn cluster(&self, source: &(impl ReadAt + ?Sized), at: u64) -> Cluster {
        let entries = self.cluster_bytes / 8;
        let number = at / self.cluster_bytes;
        let (place, index) = (number / entries, number % entries);
        let Some(first) = usize::try_from(place).ok().and_then(|place| self.l1.get(place)) else {
            return Cluster::Other;
        };
        let offset = first & OFFSET;
        if first & !(OFFSET | COPIED) != 0 || !offset.is_multiple_of(self.cluster_bytes) {
            return Cluster::Other;
        }
        if offset == 0 {
            return if *first == 0 { Cluster::Unallocated } else { Cluster::Other };
        }
        match self.second(source, place, offset) {
            Some(table) => self.judge(table[index as usize]),
            None => Cluster::Other,
        }
    }

    fn judge(&self, entry: u64) -> Cluster {
        let offset = entry & OFFSET;
        let flags = entry & !(OFFSET | COPIED);
        match flags {
            0 if entry == 0 => Cluster::Unallocated,
            0 if offset != 0 && offset.is_multiple_of(self.cluster_bytes) => Cluster::Data(offset),
            ZERO if self.version >= 3 && offset.is_multiple_of(self.cluster_bytes) => Cluster::Zero,
            _ => Cluster::Other,
        }
    }

    fn second(
        &self,
        source: &(impl ReadAt + ?Sized),
        place: u64,
        offset: u64,
    ) -> Option<Arc<[u64]>> {
        let mut cache = self.cache.lock();
        if let Some((_, table)) = cache.iter().rev().find(|(cached, _)| *cached == place) {
            return Some(table.clone());
        }
        let table: Arc<[u64]> =
            entries_at(source, offset, (self.cluster_bytes / 8) as usize)?.into();
        if cache.len() as u64 >= (CACHE_BYTES / self.cluster_bytes).min(256) {
            cache.pop_front();
        }
        cache.push_back((place, table.clone()));
        Some(table)
    }
}

fn entries_at(source: &(impl ReadAt + ?Sized), offset: u64, count: usize) -> Option<Vec<u64>> {
    let bytes = read(source, "cluster table", offset, count * 8).ok()?;
    let (entries, _) = bytes.as_chunks::<8>();
    Some(entries.iter().map(|entry| u64::from_be_bytes(*entry)).collect())
}
