//! Random histories of a disk, every point of which must read back as a model says.

use crate::support::{
    self, DOMAIN, Disk, PIECE, Restored, memory_storage, open, small_chunks, try_restore,
};
use firn_core::{Extent, ExtentList};
use firn_repository::{DiskPlan, PointRecord, Repository};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Step {
    writes: Vec<(u64, u32)>,
    discards: Vec<(u64, u64)>,
    resize: Option<u64>,
    full: bool,
    /// Whether discards are told as zero or left to be read.
    tell_zero: bool,
}

fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0u64),
        1u64..(20 << 16),
        (60u64 << 20)..(80 << 20),
        // Three levels of nodes.
        (64u64 << 30)..(70 << 30),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = prop_oneof![0u64..40, 4000u64..4300, 0u64..(70 << 30) / PIECE];
    let step = (
        proptest::collection::vec((place.clone(), any::<u32>()), 0..12),
        proptest::collection::vec((place, 1u64..600), 0..3),
        proptest::option::weighted(0.3, sizes()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(writes, discards, resize, full, tell_zero)| Step {
            writes,
            discards,
            resize,
            full,
            tell_zero,
        });
    proptest::collection::vec(step, 1..6)
}

fn piece(number: u64) -> Extent {
    Extent::new(number * PIECE, PIECE)
}

/// Applies a step to the disk and tells what changed: written, and zeroed.
fn apply(disk: &mut Disk, step: &Step) -> (ExtentList, ExtentList) {
    let (mut read, mut zero) = (ExtentList::new(), ExtentList::new());
    if let Some(size) = step.resize {
        // The last, partial piece goes with the cut.
        read = read.union(&ExtentList::from_iter([Extent::new(size - size % PIECE, PIECE)]));
        disk.resize(size);
    }
    let pieces = disk.size / PIECE;
    for (start, count) in step.discards.iter().filter(|_| pieces > 0) {
        let start = start % pieces;
        let end = (start + count).min(pieces);
        disk.pieces.retain(|number, _| !(start..end).contains(number));
        zero =
            zero.union(&ExtentList::from_iter([Extent::new(start * PIECE, (end - start) * PIECE)]));
    }
    for (number, seed) in step.writes.iter().filter(|_| pieces > 0) {
        let number = number % pieces;
        disk.pieces.insert(number, *seed);
        read = read.union(&ExtentList::from_iter([piece(number)]));
    }
    if !step.tell_zero {
        read = read.union(&zero);
        zero = ExtentList::new();
    }
    (read, zero)
}

fn check(repository: &Repository, point: &PointRecord, disk: &Disk) {
    let sink = Restored::new(disk.size);
    try_restore(repository, point, &sink).unwrap();
    sink.assert_is(disk);
    let reader = repository.open_disk(&point.disks[0], DOMAIN).unwrap();
    assert_eq!(reader.size_bytes(), disk.size);
    let data = reader.data_extents().unwrap();
    assert!(data.contains_all(&disk.allocated()));
    assert!(ExtentList::whole(disk.size).contains_all(&data));
    for number in disk.pieces.keys().chain([&0, &3, &4097]) {
        let offset = (number * PIECE + 1000).min(disk.size);
        let length = (disk.size - offset).min(100_000) as usize;
        let (mut got, mut expected) = (vec![1; length], vec![2; length]);
        reader.read_at(offset, &mut got).unwrap();
        disk.read(offset, &mut expected);
        assert!(got == expected, "a random read at {offset}");
    }
    assert!(reader.read_at(disk.size, &mut [0]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_point_of_every_history_reads_back(size in sizes(), steps in steps()) {
        let storage = memory_storage();
        let key = firn_repository::MasterKey::generate().unwrap();
        let repository = Repository::create(storage.clone(), &key, small_chunks()).unwrap();
        let mut disk = Disk::new(size);
        let mut points: Vec<(PointRecord, Disk)> = Vec::new();
        for step in &steps {
            let (read, zero) = apply(&mut disk, step);
            let plan = match points.last() {
                Some((last, _)) if !step.full => {
                    DiskPlan::incremental(disk.size, read, zero, last.disks[0].root.clone())
                }
                _ => DiskPlan::full(disk.size, disk.allocated()),
            };
            let point = support::try_backup(&repository, &disk, &plan).unwrap();
            // A map is told by the content alone, not by the way it came about.
            let again = support::full(&repository, &disk);
            prop_assert_eq!(&again.disks[0].root, &point.disks[0].root);
            prop_assert_eq!(again.disks[0].stats.new_bytes, 0);
            points.push((point, disk.clone()));
        }
        let fresh = open(&storage, &key);
        for (point, disk) in &points {
            check(&fresh, point, disk);
        }
        let report = fresh.verify(&Default::default(), &Default::default()).unwrap();
        prop_assert!(report.is_clean(), "{:?}", report);
        // The index can be lost as a whole.
        for segment in support::objects(&storage, "index/") {
            storage.backend().delete(&segment).unwrap();
        }
        let fresh = open(&storage, &key);
        fresh.rebuild_index(&Default::default()).unwrap();
        for (point, disk) in &points {
            check(&fresh, point, disk);
        }
    }
}
