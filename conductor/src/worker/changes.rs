//! What has to be read of a disk, and whether its change tracking can be believed.

use firn_core::{Extent, ExtentList};

/// What an incremental backup does with each byte of a disk: read it, make it zero, or (where it is in
/// neither set) take it over from the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadPlan {
    /// To be read; whole chunks, cut at the end of the disk.
    pub(super) read: ExtentList,
    /// Known to be zero without reading.
    pub(super) zero: ExtentList,
}

impl ReadPlan {
    /// Only what changed since the parent.
    pub(super) fn incremental(
        size_bytes: u64,
        chunk_bytes: u64,
        allocated: &ExtentList,
        changed: &ExtentList,
    ) -> Self {
        let changed = changed.aligned(chunk_bytes, size_bytes);
        let allocated = allocated.aligned(chunk_bytes, size_bytes);
        Self { read: changed.intersection(&allocated), zero: changed.difference(&allocated) }
    }

    /// What is taken over from the parent.
    pub(super) fn kept(&self, size_bytes: u64) -> ExtentList {
        self.read.union(&self.zero).complement(size_bytes)
    }
}

/// How many places of a disk with data are compared before its change tracking is believed.
const SAMPLES: usize = 16;
/// And how many without: a discard may have been missed.
const HOLES: usize = 4;

/// How many bytes are compared at each place.
pub(super) const SAMPLE_BYTES: u64 = 64 * 1024;

/// Places within `kept`, spread by `random` (evenly distributed numbers): where change tracking
/// says that nothing changed, the disk and the parent must read the same.
pub(super) fn samples(
    kept: &ExtentList,
    allocated: &ExtentList,
    random: &mut dyn FnMut(u64) -> u64,
) -> Vec<Extent> {
    let (data, holes) = (kept.intersection(allocated), kept.difference(allocated));
    let mut places = Vec::with_capacity(SAMPLES + HOLES);
    for (among, count) in [(data, SAMPLES), (holes, HOLES)] {
        let total = among.bytes();
        let count = if total == 0 { 0 } else { count };
        places.extend((0..count).filter_map(|_| at(&among, random(total))));
    }
    places
}

/// The run of at most [`SAMPLE_BYTES`] that starts at the `position`th byte of the set.
fn at(among: &ExtentList, mut position: u64) -> Option<Extent> {
    for extent in among.as_slice() {
        if position < extent.length {
            let length = (extent.length - position).min(SAMPLE_BYTES);
            return Some(Extent::new(extent.offset + position, length));
        }
        position -= extent.length;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHUNK: u64 = 8;

    fn list(size: u64) -> impl Strategy<Value = ExtentList> {
        prop::collection::vec((0..size, 0..20u64), 0..6).prop_map(move |runs| {
            runs.into_iter().map(|(o, l)| Extent::new(o, l.min(size - o))).collect()
        })
    }

    fn plans() -> impl Strategy<Value = (u64, ExtentList, ExtentList)> {
        (1..200u64).prop_flat_map(|size| (Just(size), list(size), list(size)))
    }

    proptest! {
        #[test]
        fn an_incremental_plan_covers_every_change((size, allocated, changed) in plans()) {
            let plan = ReadPlan::incremental(size, CHUNK, &allocated, &changed);
            let touched = plan.read.union(&plan.zero);
            prop_assert!(touched.contains_all(&changed));
            prop_assert!(plan.zero.intersection(&allocated).is_empty());
            prop_assert!(plan.read.intersection(&plan.zero).is_empty());
            // Not more than the chunks that changed.
            prop_assert!(changed.aligned(CHUNK, size).contains_all(&touched));
        }

        #[test]
        fn samples_lie_in_what_is_kept((_, kept, allocated) in plans(), seed in any::<u64>()) {
            let mut state = seed;
            let mut random = |bound: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % bound
            };
            let places = samples(&kept, &allocated, &mut random);
            let data = places.iter().filter(|place| {
                allocated.contains_all(&ExtentList::from_iter([Extent::new(place.offset, 1)]))
            });
            let expected = if kept.intersection(&allocated).is_empty() { 0 } else { SAMPLES };
            prop_assert_eq!(data.count(), expected);
            prop_assert_eq!(places.is_empty(), kept.is_empty());
            for place in places {
                prop_assert!(kept.contains_all(&ExtentList::from_iter([place])));
            }
        }
    }
}
