use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::Segment;
use super::build::SegmentWriter;
use super::segment::SegmentDamaged;
use crate::Result;
use crate::crypto::Keyring;
use crate::pack::ObjectId;

/// No merge makes a segment of more entries: it is made in memory.
pub(crate) const ENTRIES_MAX: u64 = 2 << 20;
/// Small segments that are worth a merge.
const SEGMENTS_MIN: usize = 8;

/// Which segments of (id, entries) to merge into one; empty where nothing is worth it. The
/// largest is never most of the result, so that each entry is copied a logarithmic number of
/// times in all.
pub(crate) fn plan_merge(segments: &[(ObjectId, u64)]) -> Vec<ObjectId> {
    let mut sorted = segments.to_vec();
    sorted.sort_by_key(|(id, entries)| (*entries, *id));
    let mut total = 0;
    let mut chosen: Vec<(ObjectId, u64)> = Vec::new();
    for (id, entries) in sorted {
        if total + entries > ENTRIES_MAX {
            break;
        }
        total += entries;
        chosen.push((id, entries));
    }
    while let Some((_, largest)) = chosen.last().copied() {
        if chosen.len() < SEGMENTS_MIN {
            return Vec::new();
        }
        if largest <= total / 2 {
            break;
        }
        total -= largest;
        chosen.pop();
    }
    chosen.into_iter().map(|(id, _)| id).collect()
}

/// One segment of all entries of several.
pub(crate) fn merge(
    keyring: &Keyring,
    id: ObjectId,
    sources: &[&Segment],
) -> Result<std::result::Result<Vec<u8>, SegmentDamaged>> {
    let mut packs = BTreeSet::new();
    for source in sources {
        match source.packs() {
            Ok(more) => packs.extend(more),
            Err(damaged) => return Ok(Err(damaged)),
        }
    }
    let replaced: Vec<_> = sources.iter().map(|source| source.id()).collect();
    let count = sources.iter().map(|source| source.entry_count()).sum();
    let mut writer = SegmentWriter::new(id, &replaced, packs, count);
    let mut heads = BinaryHeap::new();
    for (place, source) in sources.iter().enumerate() {
        if source.entry_count() > 0 {
            match source.entry(0) {
                Ok(entry) => heads.push(Reverse((entry, place, 0))),
                Err(damaged) => return Ok(Err(damaged)),
            }
        }
    }
    while let Some(Reverse((entry, place, number))) = heads.pop() {
        writer.push(&entry)?;
        if number + 1 < sources[place].entry_count() {
            match sources[place].entry(number + 1) {
                Ok(entry) => heads.push(Reverse((entry, place, number + 1))),
                Err(damaged) => return Ok(Err(damaged)),
            }
        }
    }
    Ok(Ok(writer.finish(keyring)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(entries: &[u64]) -> usize {
        let segments: Vec<_> = entries
            .iter()
            .enumerate()
            .map(|(place, entries)| (ObjectId([place as u8; 16]), *entries))
            .collect();
        plan_merge(&segments).len()
    }

    #[test]
    fn merges_many_small_ones_and_leaves_large_ones_alone() {
        assert_eq!(plan(&[]), 0);
        assert_eq!(plan(&[10; 7]), 0);
        assert_eq!(plan(&[10; 8]), 8);
        assert_eq!(plan(&[10, 10, 10, 10, 10, 10, 10, 10, 5000]), 8);
        assert_eq!(plan(&[10, 10, 10, 10, 10, 10, 10, 5000]), 0);
        assert_eq!(plan(&[ENTRIES_MAX; 20]), 0);
    }

    #[test]
    fn a_growing_index_stays_few_segments_at_little_work() {
        let (mut segments, mut copied, mut next) = (Vec::new(), 0u64, 0u64);
        for _ in 0..10_000 {
            next += 1;
            let mut id = [0; 16];
            id[..8].copy_from_slice(&next.to_le_bytes());
            segments.push((ObjectId(id), 100));
            let chosen = plan_merge(&segments);
            if !chosen.is_empty() {
                let total = segments
                    .iter()
                    .filter(|(id, _)| chosen.contains(id))
                    .map(|(_, entries)| entries)
                    .sum();
                segments.retain(|(id, _)| !chosen.contains(id));
                next += 1;
                id[..8].copy_from_slice(&next.to_le_bytes());
                segments.push((ObjectId(id), total));
                copied += total;
            }
        }
        assert!(segments.len() < 40, "{}", segments.len());
        assert!(copied < 10_000 * 100 * 12, "{copied}");
    }
}
