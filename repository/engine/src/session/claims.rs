//! What the sessions of one host tell each other while it is on its way to the repository: a
//! table of the chunks that somebody is storing. It is only a hint; whatever it says, nothing
//! wrong is stored.
#![allow(unsafe_code)] // Maps a file that several processes write to, as atomics.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use memmap2::MmapRaw;

use crate::chunk::ChunkId;
use crate::{RepositoryError, Result};

/// Slots of the table: 8 MiB, sparse.
const SLOTS: usize = 1 << 20;
/// Slots looked at for one id.
const PROBES: usize = 4;
/// A claim counts for so many seconds: longer than a pack takes to be published.
const FRESH_SECONDS: u64 = 20;
const SECONDS_BITS: u32 = 20;
const TAG_BITS: u32 = 16;
const MARK_BITS: u32 = 64 - SECONDS_BITS - TAG_BITS;

/// A table of claims, shared by mapping one file.
pub(crate) struct Claims {
    map: MmapRaw,
}

/// One slot: part of the id, who, and when.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot(u64);

impl Slot {
    fn new(mark: u64, tag: u16, seconds: u64) -> Self {
        let seconds = seconds & ((1 << SECONDS_BITS) - 1);
        Self(mark << (TAG_BITS + SECONDS_BITS) | u64::from(tag) << SECONDS_BITS | seconds)
    }

    fn mark(self) -> u64 {
        self.0 >> (TAG_BITS + SECONDS_BITS)
    }

    fn tag(self) -> u16 {
        (self.0 >> SECONDS_BITS) as u16
    }

    fn fresh(self, now: u64) -> bool {
        let age = now.wrapping_sub(self.0) & ((1 << SECONDS_BITS) - 1);
        self.0 != 0 && age <= FRESH_SECONDS
    }
}

impl Claims {
    /// Opens the table of a host, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |source| RepositoryError::Cache { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(failed)?;
        let bytes = (SLOTS * size_of::<AtomicU64>()) as u64;
        if file.metadata().map_err(failed)?.len() < bytes {
            file.set_len(bytes).map_err(failed)?;
        }
        let map = MmapRaw::map_raw(&file).map_err(failed)?;
        Ok(Self { map })
    }

    fn slots(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, readable and writable, and at least
        // SLOTS * 8 bytes long (the file was made so long before it was mapped, and nobody ever
        // makes it shorter). It lives as long as `self`. Every access by every process is
        // atomic, and any 64 bits are a valid value.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU64>(), SLOTS) }
    }

    /// Claims a chunk for the session of `tag`. False where another session claimed it within
    /// the last seconds.
    pub(super) fn claim(&self, id: &ChunkId, tag: u16) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        self.claim_at(id, tag, now)
    }

    fn claim_at(&self, id: &ChunkId, tag: u16, now: u64) -> bool {
        let prefix = id.prefix();
        let mark = prefix & ((1 << MARK_BITS) - 1);
        let first = (prefix >> (64 - SLOTS.ilog2())) as usize;
        let slots = self.slots();
        let probes: [usize; PROBES] = std::array::from_fn(|probe| (first + probe) % SLOTS);
        let mine = Slot::new(mark, tag, now);
        // Everybody looks at the slots in the same order, so that of two who claim the same
        // chunk at once, one fails to change the slot and sees the other.
        for _ in 0..PROBES {
            let seen = probes.map(|place| Slot(slots[place].load(Ordering::Acquire)));
            let claimed = seen.iter().find(|slot| slot.mark() == mark && slot.fresh(now));
            if let Some(slot) = claimed {
                return slot.tag() == tag;
            }
            let Some(probe) = seen.iter().position(|slot| !slot.fresh(now)) else { return true };
            let taken = slots[probes[probe]].compare_exchange(
                seen[probe].0,
                mine.0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            if taken.is_ok() {
                return true;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(seed: u32) -> ChunkId {
        ChunkId(*blake3::hash(&seed.to_le_bytes()).as_bytes())
    }

    #[test]
    fn a_claim_keeps_others_off_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claims");
        let (a, b) = (Claims::open(&path).unwrap(), Claims::open(&path).unwrap());
        assert!(a.claim_at(&id(1), 7, 1000));
        assert!(a.claim_at(&id(1), 7, 1001));
        assert!(!b.claim_at(&id(1), 8, 1001));
        assert!(b.claim_at(&id(2), 8, 1001));
        assert!(b.claim_at(&id(1), 8, 1000 + FRESH_SECONDS + 2));
        assert!(!a.claim_at(&id(1), 7, 1000 + FRESH_SECONDS + 3));
    }

    #[test]
    fn of_many_at_once_exactly_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let claims = Claims::open(&folder.path().join("claims")).unwrap();
        let won: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|tag| {
                    let claims = &claims;
                    scope.spawn(move || {
                        (0..20_000).filter(|seed| claims.claim_at(&id(*seed), tag, 5)).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!((20_000..20_020).contains(&won), "{won}");
    }
}
