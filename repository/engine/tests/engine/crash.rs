//! A storage that dies or fills up at every single change.

use std::sync::Arc;

use crate::support::{
    self, Disk, Fault, FaultyBackend, assert_restores, full, memory_storage, open, small_chunks,
};
use firn_core::{ErrorKind, ExtentList};
use firn_repository::{DiskPlan, MasterKey, OpenOptions, PointEntry, Repository, Storage};

/// The history that is interrupted: two points, of which the second is incremental.
struct History {
    first: Disk,
    second: Disk,
}

impl History {
    fn new() -> Self {
        let first = Disk::filled(3 << 20, 0..120, 10);
        let mut second = first.clone();
        second.pieces.insert(50, 99_999);
        second.pieces.remove(&3);
        Self { first, second }
    }

    /// As far as the storage lets it; what was committed.
    fn run(&self, storage: Storage, key: &MasterKey) -> (Vec<Disk>, Option<ErrorKind>) {
        let mut committed = Vec::new();
        let mut step = || -> firn_repository::Result<()> {
            let repository = Repository::open(storage.clone(), key, OpenOptions::default())?;
            let plan = DiskPlan::full(self.first.size, self.first.allocated());
            let point = support::try_backup(&repository, &self.first, &plan)?;
            committed.push(self.first.clone());
            let changed = ExtentList::from_iter([
                firn_core::Extent::new(50 * support::PIECE, support::PIECE),
                firn_core::Extent::new(3 * support::PIECE, support::PIECE),
            ]);
            let base = point.disks[0].root.clone();
            let plan = DiskPlan::incremental(self.second.size, changed, ExtentList::new(), base);
            support::try_backup(&repository, &self.second, &plan)?;
            committed.push(self.second.clone());
            // From here on it may be there or not.
            committed.remove(0);
            repository.delete_point(point.id)
        };
        let failure = step().err().map(|error| error.kind());
        (committed, failure)
    }
}

/// The repository opens, exactly the committed points are there (one whose commit was not
/// answered may be), and they and new ones read back.
fn check(storage: &Storage, key: &MasterKey, committed: &[Disk], history: &History) {
    let repository = open(storage, key);
    let entries = repository.points().unwrap();
    let mut found = Vec::new();
    for entry in entries {
        let PointEntry::Good(point) = entry else { panic!("a partial record is visible") };
        let disks = [&history.first, &history.second];
        let disk = disks.into_iter().find(|disk| {
            let sink = support::Restored::new(disk.size);
            support::try_restore(&repository, &point, &sink).unwrap();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sink.assert_is(disk))).is_ok()
        });
        found.push(disk.expect("a point of another content").clone());
    }
    for disk in committed {
        assert!(found.contains(disk), "a committed point is gone");
    }
    assert!(found.len() <= committed.len() + 1);
    let again = full(&repository, &history.second);
    assert_restores(&repository, &again, &history.second);
    let report = repository.verify(&Default::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

fn storages(fault: Fault, at: u64) -> (Storage, MasterKey, Storage, Arc<FaultyBackend>) {
    let below = memory_storage();
    let key = MasterKey::generate().unwrap();
    Repository::create(below.clone(), &key, small_chunks()).unwrap();
    let faulty = Arc::new(FaultyBackend::new(below.backend(), fault, at));
    let storage = Storage::from_backend(Arc::clone(&faulty) as Arc<_>);
    (below, key, storage, faulty)
}

fn at_every_change(fault: Fault) {
    let history = History::new();
    let mut at = 0;
    loop {
        // Sessions complain loudly in their destructors; that is theirs to do.
        let (below, key, storage, faulty) = storages(fault, at);
        let (committed, failure) = history.run(storage, &key);
        check(&below, &key, &committed, &history);
        if faulty.changes() <= at {
            assert_eq!(failure, None);
            assert!(at > 10, "too few changes to mean anything: {at}");
            return;
        }
        if fault == Fault::NoSpace && failure.is_some() {
            assert_eq!(failure, Some(ErrorKind::QuotaExceeded));
        }
        at += 1;
    }
}

#[test]
fn dead_before_any_change() {
    at_every_change(Fault::Dead);
}

#[test]
fn dead_after_any_change() {
    at_every_change(Fault::DeadAfter);
}

#[test]
fn out_of_space_at_any_change() {
    at_every_change(Fault::NoSpace);
}

#[test]
fn an_interrupted_creation_can_be_done_again() {
    for at in 0..6 {
        let below = memory_storage();
        let key = MasterKey::generate().unwrap();
        let faulty = FaultyBackend::new(below.backend(), Fault::Dead, at);
        let storage = Storage::from_backend(Arc::new(faulty));
        let created = Repository::create(storage, &key, small_chunks()).is_ok();
        let there = below.backend().stat("config").unwrap().is_some()
            || below.backend().stat("config.copy").unwrap().is_some();
        if there || created {
            Repository::open(below, &key, OpenOptions::default()).unwrap();
        } else {
            Repository::create(below.clone(), &key, small_chunks()).unwrap();
            let repository = open(&below, &key);
            let disk = Disk::filled(1 << 20, 0..10, 1);
            let point = full(&repository, &disk);
            assert_restores(&repository, &point, &disk);
        }
    }
}
