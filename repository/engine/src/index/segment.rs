use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::IndexEntry;
use super::build::{block_checksum, bucket, footer};
use super::data::Data;
use super::filter;
use super::layout::Layout;
use crate::chunk::ChunkId;
use crate::crypto::Keyring;
use crate::format::{
    CHUNK_ID_BYTES, FILTER_BLOCK_BYTES, MAGIC_SEGMENT, OBJECT_ID_BYTES, SEGMENT_BLOCK_BYTES,
    SEGMENT_CHECKSUM_BYTES, SEGMENT_ENTRY_BYTES, SEGMENT_FANOUT_BITS_MAX, SEGMENT_FOOTER_BYTES,
    SEGMENT_HEADER_BYTES, VERSION,
};
use crate::frame::{field, field64};
use crate::pack::{Form, Location, ObjectId};
use crate::{RepositoryError, Result, Storage};

/// Segments up to this size are read into memory rather than mapped.
const MEMORY_BYTES_MAX: u64 = 1 << 20;

/// What a segment says cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentDamaged(pub(crate) &'static str);

type Checked<T> = std::result::Result<T, SegmentDamaged>;

/// An open segment.
pub(crate) struct Segment {
    id: ObjectId,
    data: Data,
    layout: Layout,
    key: Zeroizing<[u8; 32]>,
    /// A bit for each block that was found good.
    good: Vec<AtomicU64>,
}

impl Segment {
    /// Opens a segment of a listing. The inner error tells damage from what may be tried again.
    pub(crate) fn open(
        storage: &Storage,
        keyring: &Keyring,
        cache_dir: Option<&Path>,
        id: ObjectId,
        size_bytes: u64,
    ) -> Result<Checked<Self>> {
        let data = load(storage, cache_dir, id, size_bytes)?;
        Ok(Self::from_data(keyring, id, data))
    }

    /// A segment of bytes in memory.
    #[cfg(test)]
    pub(crate) fn from_bytes(keyring: &Keyring, id: ObjectId, bytes: Vec<u8>) -> Checked<Self> {
        Self::from_data(keyring, id, Data::Memory(bytes))
    }

    fn from_data(keyring: &Keyring, id: ObjectId, data: Data) -> Checked<Self> {
        let key = keyring.segment(id);
        let layout = parse_ends(&key, &data)?;
        let words = layout.blocks().div_ceil(64);
        let good = (0..words).map(|_| AtomicU64::new(0)).collect();
        let segment = Self { id, data, layout, key, good };
        let header = segment.bytes(0..SEGMENT_HEADER_BYTES)?;
        if header[64..80] != id.0 {
            return Err(SegmentDamaged("it is another segment"));
        }
        Ok(segment)
    }

    pub(crate) fn id(&self) -> ObjectId {
        self.id
    }

    pub(crate) fn entry_count(&self) -> u64 {
        self.layout.entries
    }

    /// Stored and plain bytes of all entries.
    pub(crate) fn totals(&self) -> Checked<(u64, u64)> {
        let header = self.bytes(0..SEGMENT_HEADER_BYTES)?;
        match (field64(header, 48), field64(header, 56)) {
            (Some(stored), Some(plain)) => Ok((stored, plain)),
            _ => Err(SegmentDamaged("its header is cut short")),
        }
    }

    pub(crate) fn packs(&self) -> Checked<Vec<ObjectId>> {
        self.ids(self.layout.packs_at(), self.layout.packs)
    }

    /// Segments whose entries are all in this one.
    #[cfg(test)]
    pub(crate) fn replaced(&self) -> Checked<Vec<ObjectId>> {
        self.ids(self.layout.replaced_at(), self.layout.replaced)
    }

    fn ids(&self, at: usize, count: u32) -> Checked<Vec<ObjectId>> {
        let bytes = self.bytes(at..at + count as usize * OBJECT_ID_BYTES)?;
        let (ids, _) = bytes.as_chunks::<OBJECT_ID_BYTES>();
        Ok(ids.iter().map(|id| ObjectId(*id)).collect())
    }

    /// Adds every copy of a chunk that this segment knows.
    pub(crate) fn find(&self, id: &ChunkId, found: &mut Vec<Location>) -> Checked<()> {
        let block = filter::block(id, self.layout.filter_blocks) as usize;
        let at = self.layout.filter_at() + block * FILTER_BLOCK_BYTES;
        if !filter::may_hold(id, self.bytes(at..at + FILTER_BLOCK_BYTES)?) {
            return Ok(());
        }
        let at = self.layout.fanout_at() + bucket(id, self.layout.fanout_bits) * 4;
        let places = self.bytes(at..at + 8)?;
        let (Some(low), Some(high)) = (field(places, 0), field(places, 4)) else {
            return Err(SegmentDamaged("its fan-out is cut short"));
        };
        let (mut low, mut high) = (u64::from(low), u64::from(high).min(self.layout.entries));
        let end = high;
        while low < high {
            let middle = low.midpoint(high);
            if self.entry_bytes(middle)?[..CHUNK_ID_BYTES] < id.0[..] {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        while low < end {
            let entry = self.entry(low)?;
            if entry.id != *id {
                break;
            }
            found.push(entry.location);
            low += 1;
        }
        Ok(())
    }

    pub(crate) fn entry(&self, number: u64) -> Checked<IndexEntry> {
        let bytes = self.entry_bytes(number)?;
        let cut = SegmentDamaged("an entry is cut short");
        let id = ChunkId(*bytes.first_chunk().ok_or(cut)?);
        let number = |place: usize| field(bytes, CHUNK_ID_BYTES + place * 4).ok_or(cut);
        let ordinal = number(0)?;
        if ordinal >= self.layout.packs {
            return Err(SegmentDamaged("an entry names no pack"));
        }
        let at = self.layout.packs_at() + ordinal as usize * OBJECT_ID_BYTES;
        let pack = self.bytes(at..at + OBJECT_ID_BYTES)?;
        let pack = ObjectId(*pack.first_chunk().ok_or(cut)?);
        let location =
            Location { pack, offset: number(1)?, stored_bytes: number(2)?, form: Form(number(3)?) };
        Ok(IndexEntry { id, location })
    }

    /// Checks every block.
    pub(crate) fn verify(&self) -> Checked<()> {
        for number in 0..self.layout.blocks() {
            self.check(number)?;
        }
        Ok(())
    }

    fn entry_bytes(&self, number: u64) -> Checked<&[u8]> {
        let at = self.layout.entries_at() + number as usize * SEGMENT_ENTRY_BYTES;
        self.bytes(at..at + SEGMENT_ENTRY_BYTES)
    }

    /// Bytes whose blocks were found good.
    fn bytes(&self, range: Range<usize>) -> Checked<&[u8]> {
        if range.end > self.layout.checksums_at() {
            return Err(SegmentDamaged("it points beyond its end"));
        }
        let last = range.end.saturating_sub(1).max(range.start) / SEGMENT_BLOCK_BYTES;
        for number in range.start / SEGMENT_BLOCK_BYTES..=last {
            if number >= self.layout.blocks() {
                break;
            }
            let bit = 1 << (number % 64);
            if self.good[number / 64].load(Ordering::Acquire) & bit == 0 {
                self.check(number)?;
                self.good[number / 64].fetch_or(bit, Ordering::Release);
            }
        }
        Ok(&self.data[range])
    }

    fn check(&self, number: usize) -> Checked<()> {
        let at = self.layout.checksums_at() + number * SEGMENT_CHECKSUM_BYTES;
        let block = &self.data[self.layout.block(number)];
        if block_checksum(&self.key, number, block) == self.data[at..at + SEGMENT_CHECKSUM_BYTES] {
            Ok(())
        } else {
            Err(SegmentDamaged("a block fails authentication"))
        }
    }
}

/// Checks header and footer as far as it takes to know the layout.
fn parse_ends(key: &[u8; 32], data: &[u8]) -> Checked<Layout> {
    let footer_at = data.len().checked_sub(SEGMENT_FOOTER_BYTES);
    let Some(footer_at) = footer_at.filter(|at| *at >= SEGMENT_HEADER_BYTES) else {
        return Err(SegmentDamaged("it is cut short"));
    };
    let (content, end) = data.split_at(footer_at);
    let checksums_at = field64(end, 0).and_then(|at| usize::try_from(at).ok());
    let checksums = checksums_at.and_then(|at| content.get(at..));
    let (Some(checksums_at), Some(checksums)) = (checksums_at, checksums) else {
        return Err(SegmentDamaged("its footer is not what was written"));
    };
    if end != footer(key, checksums_at as u64, checksums) {
        return Err(SegmentDamaged("its footer fails authentication"));
    }
    let number = |at| field(content, at);
    let long = |at| field64(content, at);
    let header = (number(8), number(12), long(16), number(24), number(28), number(32), long(40));
    let (
        Some(version),
        Some(block),
        Some(entries),
        Some(packs),
        Some(replaced),
        Some(fanout_bits),
        Some(filter_blocks),
    ) = header
    else {
        return Err(SegmentDamaged("it is cut short"));
    };
    let length = content.len() as u64;
    if content[..8] != MAGIC_SEGMENT
        || version != VERSION
        || block != SEGMENT_BLOCK_BYTES as u32
        || fanout_bits > SEGMENT_FANOUT_BITS_MAX
        || filter_blocks == 0
        || entries > length
        || filter_blocks > length
    {
        return Err(SegmentDamaged("its header is not what was written"));
    }
    let layout = Layout { entries, packs, replaced, fanout_bits, filter_blocks };
    if layout.checksums_at() != checksums_at || layout.footer_at() != footer_at {
        return Err(SegmentDamaged("its sections do not fit its length"));
    }
    Ok(layout)
}

fn load(
    storage: &Storage,
    cache_dir: Option<&Path>,
    id: ObjectId,
    size_bytes: u64,
) -> Result<Data> {
    let object = id.segment_path();
    if size_bytes <= MEMORY_BYTES_MAX {
        return Ok(Data::Memory(storage.get(&object)?));
    }
    if let Some(path) = storage.local_path(&object) {
        return Data::map(&path).map_err(|source| RepositoryError::Storage {
            action: "map",
            object,
            source: crate::StorageError::File { source },
        });
    }
    let Some(cache_dir) = cache_dir else {
        return Ok(Data::Memory(storage.get(&object)?));
    };
    let path = cache_dir.join(id.to_string());
    let failed = |source| RepositoryError::Cache { path: path.clone(), source };
    if std::fs::metadata(&path).map(|file| file.len()).ok() != Some(size_bytes) {
        std::fs::create_dir_all(cache_dir).map_err(failed)?;
        let temporary = cache_dir.join(format!("{id}.{}", Uuid::new_v4().simple()));
        std::fs::write(&temporary, storage.get(&object)?)
            .and_then(|()| std::fs::rename(&temporary, &path))
            .map_err(failed)?;
    }
    Data::map(&path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::{build, merge};
    use super::*;

    fn keyring() -> Keyring {
        Keyring::new(Zeroizing::new([7; 32]))
    }

    fn entry(seed: u32, pack: u8) -> IndexEntry {
        IndexEntry {
            id: ChunkId(*blake3::hash(&seed.to_le_bytes()).as_bytes()),
            location: Location {
                pack: ObjectId([pack; 16]),
                offset: seed,
                stored_bytes: seed % 1000 + 16,
                form: Form(seed % 4096),
            },
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn segments_and_their_merges_agree_with_a_map(
            parts in proptest::collection::vec(proptest::collection::vec((0u32..5000, 0u8..5), 0..800), 1..6)
        ) {
            let keyring = keyring();
            let mut model: HashMap<ChunkId, Vec<Location>> = HashMap::new();
            let mut segments = Vec::new();
            for part in &parts {
                let entries: Vec<_> = part.iter().map(|(seed, pack)| entry(*seed, *pack)).collect();
                for entry in &entries {
                    let places = model.entry(entry.id).or_default();
                    if !places.contains(&entry.location) { places.push(entry.location); }
                }
                let id = ObjectId::random().unwrap();
                let bytes = build(&keyring, id, &[], entries).unwrap();
                segments.push(Segment::from_bytes(&keyring, id, bytes).unwrap());
            }
            let id = ObjectId::random().unwrap();
            let sources: Vec<_> = segments.iter().collect();
            let merged = merge(&keyring, id, &sources).unwrap().unwrap();
            let merged = Segment::from_bytes(&keyring, id, merged).unwrap();
            merged.verify().unwrap();
            prop_assert_eq!(merged.replaced().unwrap(), segments.iter().map(Segment::id).collect::<Vec<_>>());
            prop_assert_eq!(merged.entry_count() as usize, model.values().map(Vec::len).sum::<usize>());
            for seed in 0..5000 {
                let id = entry(seed, 0).id;
                let mut expected = model.get(&id).cloned().unwrap_or_default();
                expected.sort();
                let mut found = Vec::new();
                merged.find(&id, &mut found).unwrap();
                prop_assert_eq!(&found, &expected);
                found.clear();
                for segment in &segments { segment.find(&id, &mut found).unwrap(); }
                found.sort();
                found.dedup();
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn every_flip_and_cut_is_seen_and_nothing_wrong_is_said() {
        let keyring = keyring();
        let id = ObjectId::random().unwrap();
        let entries: Vec<_> = (0..40).map(|seed| entry(seed, 1)).collect();
        let bytes = build(&keyring, id, &[], entries.clone()).unwrap();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            let Ok(segment) = Segment::from_bytes(&keyring, id, bad) else { continue };
            assert!(segment.verify().is_err(), "byte {at}");
            for entry in &entries {
                let mut found = Vec::new();
                if segment.find(&entry.id, &mut found).is_ok() {
                    assert_eq!(found, [entry.location]);
                }
            }
        }
        for length in 0..bytes.len() {
            assert!(Segment::from_bytes(&keyring, id, bytes[..length].to_vec()).is_err());
        }
    }
}
