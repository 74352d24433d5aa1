use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::pack::{Location, ObjectId};
use crate::quarantine::{Findings, Quarantine};
use crate::{Affected, Damage};

/// What is lost, by the object that should hold it.
pub(super) type Lost = BTreeMap<String, (String, Vec<Affected>)>;

/// What is wrong with a pack.
#[derive(Default)]
struct PackDamage {
    /// What is wrong with it as a whole.
    whole: Option<String>,
    /// Damaged blobs, and how.
    blobs: BTreeMap<u32, String>,
}

/// What the threads of a verification find.
pub(super) struct Found {
    /// The packs that are there, with their sizes.
    present: HashMap<ObjectId, u64>,
    damage: Mutex<HashMap<ObjectId, PackDamage>>,
    packs: AtomicU64,
    chunks: AtomicU64,
    chunk_bytes: AtomicU64,
}

impl Found {
    pub(super) fn new(present: HashMap<ObjectId, u64>) -> Self {
        Self {
            present,
            damage: Mutex::default(),
            packs: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
            chunk_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn present(&self) -> &HashMap<ObjectId, u64> {
        &self.present
    }

    pub(super) fn count_pack(&self) {
        self.packs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_chunk(&self, bytes: usize) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.chunk_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn packs_checked(&self) -> u64 {
        self.packs.load(Ordering::Relaxed)
    }

    pub(super) fn chunks_checked(&self) -> (u64, u64) {
        (self.chunks.load(Ordering::Relaxed), self.chunk_bytes.load(Ordering::Relaxed))
    }

    pub(super) fn bad_pack(&self, pack: ObjectId, what: impl Into<String>) {
        self.damage.lock().entry(pack).or_default().whole.get_or_insert(what.into());
    }

    pub(super) fn bad_blob(&self, location: &Location, what: &str) {
        let mut damage = self.damage.lock();
        let pack = damage.entry(location.pack).or_default();
        pack.blobs.entry(location.offset).or_insert_with(|| what.to_owned());
    }

    pub(super) fn is_bad_blob(&self, location: &Location) -> bool {
        let damage = self.damage.lock();
        damage.get(&location.pack).is_some_and(|pack| pack.blobs.contains_key(&location.offset))
    }

    /// The packs that anything is wrong with.
    pub(super) fn damaged_packs(&self) -> Vec<ObjectId> {
        self.damage.lock().keys().copied().collect()
    }

    /// Whether the pack's ends are damaged, so that its blobs were not all looked at.
    pub(super) fn is_suspect(&self, pack: ObjectId) -> bool {
        self.damage.lock().get(&pack).is_some_and(|pack| pack.whole.is_some())
    }

    /// Notes to write, blobs that are damaged and needed by nobody any more, and what to report.
    pub(super) fn conclude(
        &self,
        known: &Quarantine,
        mut lost: Lost,
    ) -> (Findings, u64, Vec<Damage>) {
        let mut notes = Findings::new();
        let mut healed = 0;
        let mut report = Vec::new();
        let damage = self.damage.lock();
        let mut packs: Vec<_> = damage.iter().collect();
        packs.sort_by_key(|(pack, _)| **pack);
        for (pack, damage) in packs {
            let object = pack.pack_path();
            let affected = lost.remove(&object).map(|(_, affected)| affected).unwrap_or_default();
            let blob_known = |offset: &u32| {
                let form = crate::pack::Form(0);
                known.holds(&Location { pack: *pack, offset: *offset, stored_bytes: 0, form })
            };
            let fresh: Vec<_> =
                damage.blobs.keys().copied().filter(|offset| !blob_known(offset)).collect();
            let whole_fresh = damage.whole.is_some() && !known.holds_pack(*pack);
            if whole_fresh {
                notes.insert(*pack, None);
            } else if !fresh.is_empty() {
                notes.insert(*pack, Some(fresh.clone()));
            }
            if !whole_fresh && fresh.is_empty() && affected.is_empty() {
                healed += damage.blobs.len().max(1) as u64;
                continue;
            }
            report.push(Damage { object, what: describe(damage), affected });
        }
        for (object, (what, affected)) in lost {
            report.push(Damage { object, what, affected });
        }
        (notes, healed, report)
    }
}

fn describe(damage: &PackDamage) -> String {
    let kinds: HashSet<_> = damage.blobs.values().collect();
    let mut parts: Vec<String> = damage.whole.iter().cloned().collect();
    if !damage.blobs.is_empty() {
        let mut kinds: Vec<_> = kinds.into_iter().map(String::as_str).collect();
        kinds.sort_unstable();
        let places: Vec<_> = damage.blobs.keys().take(5).map(u32::to_string).collect();
        let more = if damage.blobs.len() > places.len() { ", …" } else { "" };
        parts.push(format!(
            "{} damaged chunks at {}{more}: {}",
            damage.blobs.len(),
            places.join(", "),
            kinds.join(", ")
        ));
    }
    parts.join("; ")
}
