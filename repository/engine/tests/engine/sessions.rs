//! Several sessions at once, in threads and in processes, and how sessions end.

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{
    self, DOMAIN, Disk, Fixture, PIECE, assert_restores, begin, full, memory_storage, new_point,
    objects, open, small_chunks,
};
use firn_core::ErrorKind;
use firn_repository::{Control, DiskPlan, RepositoryError, Source, SourceError};
use uuid::Uuid;

/// Set in the processes that a test starts of itself.
const FOLDER: &str = "FIRN_TEST_FOLDER";
const SEED: &str = "FIRN_TEST_SEED";

#[test]
fn sessions_of_many_threads_share_and_all_read_back() {
    let storage = memory_storage();
    let key = firn_repository::MasterKey::generate().unwrap();
    firn_repository::Repository::create(storage.clone(), &key, small_chunks()).unwrap();
    let points: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6u32)
            .map(|seed| {
                let (storage, key) = (&storage, &key);
                scope.spawn(move || {
                    // Every thread has a repository of its own, as processes have.
                    let repository = open(storage, key);
                    let mut disk = Disk::filled(16 << 20, 0..600, 1000);
                    for piece in 0..40 {
                        disk.pieces.insert(900 + piece, 1_000_000 * (seed + 1) + piece as u32);
                    }
                    (full(&repository, &disk), disk)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let repository = open(&storage, &key);
    for (point, disk) in &points {
        assert_restores(&repository, point, disk);
    }
    let report = repository.verify(&Default::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(objects(&storage, "sessions/"), Vec::<String>::new());
}

#[test]
fn a_reader_that_opened_before_the_commit_reads_the_point() {
    let fixture = Fixture::new();
    let disk = Disk::filled(4 << 20, 0..200, 7);
    let (restorer, verifier) = (fixture.reopen(), fixture.reopen());
    let point = full(&fixture.repository, &disk);
    assert_restores(&restorer, &point, &disk);
    let report = verifier.verify(&Default::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
    // The segments that a reader knows may be merged away by others.
    for seed in 1..30 {
        full(&fixture.repository, &Disk::filled(1 << 20, 0..8, seed * 100_000));
    }
    assert!(objects(&fixture.storage, "index/").len() < 15);
    assert_restores(&restorer, &point, &disk);
}

#[test]
fn domains_share_nothing() {
    let fixture = Fixture::new();
    let disk = Disk::filled(2 << 20, 0..100, 7);
    let first = full(&fixture.repository, &disk);
    let session = fixture.repository.begin(Uuid::new_v4(), "project-b").unwrap();
    let plan = DiskPlan::full(disk.size, disk.allocated());
    let image = session.backup_disk(&disk, &plan, &Control::none()).unwrap();
    assert_eq!(image.stats.new_bytes, first.disks[0].stats.new_bytes);
    let point = session.commit(new_point(image)).unwrap();
    assert_ne!(point.disks[0].root.node, first.disks[0].root.node);
    assert_restores(&fixture.reopen(), &point, &disk);
}

/// A disk that two VMs of one base image have: the first part is shared.
fn vm(seed: u32) -> Disk {
    let shared = 200 << 20;
    let own = 20 << 20;
    let mut disk = Disk::filled(512 << 20, 0..shared / PIECE, 0);
    for piece in 0..own / PIECE {
        let number = (300 << 20) / PIECE + piece;
        disk.pieces.insert(number, 0x1000_0000 * (seed + 1) + piece as u32);
    }
    disk
}

fn spawn(test: &str, folder: &std::path::Path, seed: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .spawn()
        .unwrap()
}

/// In a process that a test started of itself: the repository, once both are ready.
fn child() -> Option<(firn_repository::Repository, std::path::PathBuf, u32)> {
    let folder = std::path::PathBuf::from(std::env::var_os(FOLDER)?);
    let seed: u32 = std::env::var(SEED).unwrap().parse().unwrap();
    let key = firn_repository::MasterKey::load(folder.join("key")).unwrap();
    let storage = firn_repository::Storage::local(folder.join("repository")).unwrap();
    std::fs::write(folder.join(format!("ready-{seed}")), b"").unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !(folder.join("ready-0").exists() && folder.join("ready-1").exists()) {
        assert!(Instant::now() < deadline, "the other process does not start");
        std::thread::sleep(Duration::from_millis(1));
    }
    Some((open(&storage, &key), folder, seed))
}

#[test]
fn two_processes_store_shared_data_once() {
    if let Some((repository, folder, seed)) = child() {
        let point = full(&repository, &vm(seed));
        let json = serde_json::to_vec(&point).unwrap();
        std::fs::write(folder.join(format!("point-{seed}")), json).unwrap();
        return;
    }
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    fixture.key.store_new(folder.join("key")).unwrap();
    let test = "sessions::two_processes_store_shared_data_once";
    let children: Vec<_> = (0..2).map(|seed| spawn(test, folder, seed)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let repository = fixture.reopen();
    for seed in 0..2 {
        let json = std::fs::read(folder.join(format!("point-{seed}"))).unwrap();
        let point = serde_json::from_slice(&json).unwrap();
        assert_restores(&repository, &point, &vm(seed));
    }
    // Shared once, own twice, and map nodes.
    let expected = (200u64 << 20) + 2 * (20 << 20);
    let usage = repository.usage().unwrap();
    let twice = usage.unique_bytes as f64 / expected as f64 - 1.0;
    println!("stored twice: {:.2} % of the shared data", twice * 100.0);
    assert!(twice < 0.02, "{twice}");
}

#[test]
fn a_killed_process_leaves_nothing_that_matters() {
    if let Some((repository, _, seed)) = child() {
        let session = repository.begin(Uuid::from_u128(u128::from(seed) + 1), DOMAIN).unwrap();
        let disk = vm(seed);
        let plan = DiskPlan::full(disk.size, disk.allocated());
        session.backup_disk(&disk, &plan, &Control::none()).unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    fixture.key.store_new(folder.join("key")).unwrap();
    let test = "sessions::a_killed_process_leaves_nothing_that_matters";
    let mut children: Vec<_> = (0..2).map(|seed| spawn(test, folder, seed)).collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    // A pack is of use to others once a segment of the index names it, which is written after it.
    while objects(&fixture.storage, "index/").len() < 2 {
        assert!(Instant::now() < deadline, "nothing is published");
        std::thread::sleep(Duration::from_millis(5));
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let repository = fixture.reopen();
    assert_eq!(repository.points().unwrap(), []);
    assert_eq!(objects(&fixture.storage, "sessions/").len(), 2);
    for seed in 0..2 {
        repository.forget_session(Uuid::from_u128(seed + 1)).unwrap();
        repository.forget_session(Uuid::from_u128(seed + 1)).unwrap();
    }
    assert_eq!(objects(&fixture.storage, "sessions/"), Vec::<String>::new());
    assert_eq!(objects(&fixture.storage, "tmp/"), Vec::<String>::new());
    // What they had published is of use.
    let disk = vm(0);
    let point = full(&repository, &disk);
    assert!(point.disks[0].stats.reused_bytes > 0);
    assert_restores(&fixture.reopen(), &point, &disk);
    let report = fixture.reopen().verify(&Default::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_point_commits_once() {
    let fixture = Fixture::new();
    let disk = Disk::filled(1 << 20, 0..20, 7);
    let plan = DiskPlan::full(disk.size, disk.allocated());
    let session = begin(&fixture.repository);
    let image = session.backup_disk(&disk, &plan, &Control::none()).unwrap();
    let new = new_point(image.clone());
    let record = session.commit(new.clone()).unwrap();
    assert_eq!(session.commit(new.clone()).unwrap(), record);
    drop(session);
    // As after a crash between the commit and its answer.
    let again = begin(&fixture.repository);
    assert_eq!(again.commit(new.clone()).unwrap(), record);
    let mut other = new;
    other.instance_name = "another".to_owned();
    let error = again.commit(other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(fixture.repository.point(record.id).unwrap(), record);
    fixture.repository.delete_point(record.id).unwrap();
    fixture.repository.delete_point(record.id).unwrap();
    let error = fixture.repository.point(record.id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_forgotten_session_cannot_commit() {
    let fixture = Fixture::new();
    let disk = Disk::filled(1 << 20, 0..20, 7);
    let plan = DiskPlan::full(disk.size, disk.allocated());
    let session = begin(&fixture.repository);
    let image = session.backup_disk(&disk, &plan, &Control::none()).unwrap();
    fixture.repository.forget_session(session.id()).unwrap();
    let error = session.commit(new_point(image)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(fixture.repository.points().unwrap(), []);
}

#[test]
fn an_aborted_session_leaves_no_marker_and_no_point() {
    let fixture = Fixture::new();
    let disk = Disk::filled(1 << 20, 0..20, 7);
    let plan = DiskPlan::full(disk.size, disk.allocated());
    for explicit in [true, false] {
        let session = begin(&fixture.repository);
        session.backup_disk(&disk, &plan, &Control::none()).unwrap();
        if explicit {
            session.abort().unwrap();
        } else {
            drop(session);
        }
        assert_eq!(objects(&fixture.storage, "sessions/"), Vec::<String>::new());
    }
    assert_eq!(fixture.repository.points().unwrap(), []);
}

/// A disk that takes its time.
struct Slow {
    disk: Disk,
    delay: Duration,
}

impl Source for Slow {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        std::thread::sleep(self.delay);
        self.disk.read_at(offset, buffer)
    }
}

#[test]
fn cancel_works_within_a_second_and_progress_adds_up() {
    let fixture = Fixture::new();
    let disk = Disk::filled(64 << 20, 0..3000, 7);
    let plan = DiskPlan::full(disk.size, disk.allocated());
    let done = Arc::new(AtomicU64::new(0));
    let control = Control {
        cancel: Arc::new(AtomicBool::new(false)),
        progress: Some(Arc::new({
            let done = Arc::clone(&done);
            move |bytes| {
                done.fetch_max(bytes, Ordering::Relaxed);
            }
        })),
    };
    let session = begin(&fixture.repository);
    session.backup_disk(&disk, &plan, &control).unwrap();
    assert_eq!(done.load(Ordering::Relaxed), plan.work_bytes());
    let slow = Slow { disk, delay: Duration::from_millis(200) };
    std::thread::scope(|scope| {
        let cancelled = scope.spawn(|| {
            let result = session.backup_disk(&slow, &plan, &control);
            (result, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(300));
        let asked = Instant::now();
        control.cancel.store(true, Ordering::Relaxed);
        let (result, ended) = cancelled.join().unwrap();
        assert!(result.unwrap_err().is_cancelled());
        assert!(ended - asked < Duration::from_secs(1));
    });
}

#[test]
fn a_failure_ends_the_session_for_good() {
    let fixture = Fixture::new();
    let disk = Disk::filled(4 << 20, 0..200, 7);
    let plan = DiskPlan { threads: 1, ..DiskPlan::full(disk.size, disk.allocated()) };
    let session = begin(&fixture.repository);
    let cancelled = Control::none();
    let slow = Slow { disk: disk.clone(), delay: Duration::from_millis(50) };
    let error = std::thread::scope(|scope| {
        let running = scope.spawn(|| session.backup_disk(&slow, &plan, &cancelled));
        std::thread::sleep(Duration::from_millis(75));
        cancelled.cancel.store(true, Ordering::Relaxed);
        running.join().unwrap().unwrap_err()
    });
    assert!(error.is_cancelled());
    // Chunks of the cancelled disk may be nowhere: nothing may be built on them.
    let error = session.backup_disk(&disk, &plan, &Control::none()).unwrap_err();
    assert!(matches!(error, RepositoryError::SessionFailed { .. }), "{error:?}");
    drop(session);
    assert_restores(&fixture.reopen(), &full(&fixture.repository, &disk), &disk);
}

#[test]
fn a_failing_source_is_told_as_such() {
    struct Broken;
    impl Source for Broken {
        fn read_at(&self, offset: u64, _: &mut [u8]) -> Result<(), SourceError> {
            if offset >= 1 << 20 {
                return Err(SourceError::new(ErrorKind::Unavailable, "the cable is out"));
            }
            Ok(())
        }
    }
    let fixture = Fixture::new();
    let session = begin(&fixture.repository);
    let plan = DiskPlan::full(4 << 20, firn_core::ExtentList::whole(4 << 20));
    let error = session.backup_disk(&Broken, &plan, &Control::none()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let RepositoryError::Source { offset, .. } = error else { panic!("{error:?}") };
    assert!(offset >= 1 << 20);
}

#[test]
fn a_small_read_decodes_one_chunk_and_usage_adds_up() {
    let fixture = Fixture::new();
    let disk = Disk::filled(4 << 20, 0..200, 7);
    let point = full(&fixture.repository, &disk);
    let usage = fixture.repository.usage().unwrap();
    assert_eq!((usage.points, usage.virtual_bytes), (1, 4 << 20));
    let stored: u64 = ["packs/", "index/", "points/"]
        .iter()
        .flat_map(|folder| fixture.storage.backend().list(folder).unwrap())
        .map(|entry| entry.size_bytes)
        .sum();
    assert_eq!(usage.stored_bytes, stored);
    // 200 pieces are 50 chunks; one node lists them.
    assert_eq!(usage.chunks, 51);
    assert!(usage.unique_bytes > 50 << 16);
    let reader = fixture.repository.open_disk(&point.disks[0], DOMAIN).unwrap();
    let mut page = [0; 4096];
    let mut expected = [0; 4096];
    for offset in [0, 4096, 65_536 - 2048, 3 << 20] {
        reader.read_at(offset, &mut page).unwrap();
        disk.read(offset, &mut expected);
        assert_eq!(page, expected);
    }
}

/// Most memory that this process has had so far, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn memory_stays_within_its_bound() {
    // In a process of its own, for other tests may have used more before.
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = std::path::PathBuf::from(folder);
        let key = firn_repository::MasterKey::load(folder.join("key")).unwrap();
        let storage = firn_repository::Storage::local(folder.join("repository")).unwrap();
        let repository = open(&storage, &key);
        let disk = Disk::filled(768 << 20, 0..(768 << 20) / PIECE, 5);
        let before = peak_mib();
        let memory_bytes = 96 << 20;
        let plan = DiskPlan { memory_bytes, ..DiskPlan::full(disk.size, disk.allocated()) };
        let point = support::try_backup(&repository, &disk, &plan).unwrap();
        let used = peak_mib() - before;
        assert!(used <= 96, "the backup took {used} MiB");
        struct Nowhere;
        impl firn_repository::Sink for Nowhere {
            fn write_at(&self, _: u64, _: &[u8]) -> Result<(), firn_repository::SinkError> {
                Ok(())
            }
        }
        let options = firn_repository::RestoreOptions { memory_bytes, threads: 0 };
        let disk = &point.disks[0];
        repository.restore_disk(disk, DOMAIN, &Nowhere, options, &Control::none()).unwrap();
        let used = peak_mib() - before;
        assert!(used <= 96, "the restore took {used} MiB");
        println!("peak: {used} MiB");
        return;
    }
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    fixture.key.store_new(folder.join("key")).unwrap();
    let status = spawn("sessions::memory_stays_within_its_bound", folder, 0).wait().unwrap();
    assert!(status.success());
}
