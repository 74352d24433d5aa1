//! What the tests share: disks in memory, a repository in a folder or in memory, and a storage
//! that fails on command.

mod faulty;

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{TimeZone, Utc};
use firn_core::{
    BackupMode, Consistency, DiskId, DiskKind, Extent, ExtentList, InstanceId, PointId, ProjectId,
};
use firn_repository::{
    ChunkSize, Control, CreateOptions, DiskImage, DiskPlan, DiskRecord, MasterKey, NewPoint,
    OpenOptions, PointRecord, Repository, RestoreOptions, Result, Session, Sink, SinkError, Source,
    SourceError, Storage,
};
use uuid::Uuid;

pub use faulty::{Fault, FaultyBackend};

pub const DOMAIN: &str = "project-a";
/// Unit of the disks of tests: smaller than a chunk.
pub const PIECE: u64 = 16 << 10;

/// A disk made of pieces, each with a content told by a number; absent ones are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    pub size: u64,
    pub pieces: BTreeMap<u64, u32>,
}

impl Disk {
    pub fn new(size: u64) -> Self {
        Self { size, pieces: BTreeMap::new() }
    }

    /// With every piece of a range of a content of its own.
    pub fn filled(size: u64, pieces: std::ops::Range<u64>, seed: u32) -> Self {
        let pieces = pieces.map(|piece| (piece, seed.wrapping_add(piece as u32))).collect();
        Self { size, pieces }
    }

    pub fn allocated(&self) -> ExtentList {
        let whole = Extent::new(0, self.size);
        let runs = self.pieces.keys().map(|piece| Extent::new(piece * PIECE, PIECE));
        runs.filter_map(|run| run.intersection(&whole)).collect()
    }

    pub fn resize(&mut self, size: u64) {
        self.size = size;
        self.pieces.retain(|piece, _| (piece + 1) * PIECE <= size);
    }

    pub fn read(&self, offset: u64, buffer: &mut [u8]) {
        buffer.fill(0);
        let end = offset + buffer.len() as u64;
        for (piece, seed) in self.pieces.range(offset / PIECE..end.div_ceil(PIECE)) {
            let content = content(*seed);
            let start = piece * PIECE;
            let from = start.max(offset);
            let to = (start + PIECE).min(end);
            buffer[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&content[(from - start) as usize..(to - start) as usize]);
        }
    }
}

/// Bytes of a piece: every third is incompressible.
fn content(seed: u32) -> Vec<u8> {
    let mut bytes = vec![0; PIECE as usize];
    if seed.is_multiple_of(3) {
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    } else {
        for (place, word) in bytes.chunks_exact_mut(4).enumerate() {
            word.copy_from_slice(&(seed ^ (place as u32 / 16)).to_le_bytes());
        }
    }
    bytes
}

impl Source for Disk {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        assert!(offset + buffer.len() as u64 <= self.size, "a read beyond the disk's end");
        self.read(offset, buffer);
        Ok(())
    }
}

/// A sink that keeps what is written and checks that nothing is written twice.
pub struct Restored {
    pub size: u64,
    writes: Mutex<BTreeMap<u64, Vec<u8>>>,
}

impl Restored {
    pub fn new(size: u64) -> Self {
        Self { size, writes: Mutex::default() }
    }

    /// Fails where the disk is another one.
    pub fn assert_is(&self, disk: &Disk) {
        assert_eq!(self.size, disk.size);
        let writes = self.writes.lock().unwrap();
        let mut covered = ExtentList::new();
        for (offset, data) in writes.iter() {
            let mut expected = vec![0; data.len()];
            disk.read(*offset, &mut expected);
            assert!(*data == expected, "wrong data at {offset}");
            covered.push(Extent::new(*offset, data.len() as u64));
        }
        assert!(covered.contains_all(&disk.allocated()), "data is missing");
    }

    /// Fails where anything was written that is not the disk's.
    pub fn assert_nothing_wrong(&self, disk: &Disk) {
        for (offset, data) in self.writes.lock().unwrap().iter() {
            let mut expected = vec![0; data.len()];
            disk.read(*offset, &mut expected);
            assert!(*data == expected, "wrong data at {offset}");
        }
    }
}

impl Sink for Restored {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), SinkError> {
        assert!(offset + data.len() as u64 <= self.size, "a write beyond the disk's end");
        let twice = self.writes.lock().unwrap().insert(offset, data.to_vec());
        assert!(twice.is_none(), "a range was written twice");
        Ok(())
    }
}

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub key: MasterKey,
    pub storage: Storage,
    pub repository: Repository,
}

impl Fixture {
    /// A repository of the smallest chunks in a folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::local(folder.path().join("repository")).unwrap();
        let key = MasterKey::generate().unwrap();
        let repository = Repository::create(storage.clone(), &key, small_chunks()).unwrap();
        Self { folder, key, storage, repository }
    }

    /// Opens it again, as another process would.
    pub fn reopen(&self) -> Repository {
        open(&self.storage, &self.key)
    }
}

pub fn small_chunks() -> CreateOptions {
    CreateOptions { chunk_bytes: ChunkSize::new(64 << 10).unwrap() }
}

pub fn open(storage: &Storage, key: &MasterKey) -> Repository {
    Repository::open(storage.clone(), key, OpenOptions::default()).unwrap()
}

pub fn memory_storage() -> Storage {
    let operator = opendal::Operator::new(opendal::services::Memory::default()).unwrap();
    Storage::new(operator).unwrap()
}

pub fn new_point(image: DiskImage) -> NewPoint {
    NewPoint {
        id: PointId::new(),
        project_id: ProjectId::standalone(),
        instance_id: InstanceId::new(),
        instance_name: "web-1".to_owned(),
        created_at: Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap(),
        mode: BackupMode::Full,
        consistency: Consistency::Crash,
        parent: None,
        disks: vec![DiskRecord {
            id: DiskId::new(),
            device: "vda".to_owned(),
            kind: DiskKind::Root,
            size_bytes: image.size_bytes,
            root: image.root,
            change_token: Some("token".to_owned()),
            stats: image.stats,
            attributes: serde_json::json!({"bus": "virtio"}),
        }],
        identity: serde_json::json!({"domain_xml": "<domain/>"}),
    }
}

pub fn begin(repository: &Repository) -> Session {
    repository.begin(Uuid::new_v4(), DOMAIN).unwrap()
}

/// A point of one disk.
pub fn try_backup(repository: &Repository, disk: &Disk, plan: &DiskPlan) -> Result<PointRecord> {
    let session = repository.begin(Uuid::new_v4(), DOMAIN)?;
    let image = session.backup_disk(disk, plan, &Control::none())?;
    session.commit(new_point(image))
}

pub fn full(repository: &Repository, disk: &Disk) -> PointRecord {
    try_backup(repository, disk, &DiskPlan::full(disk.size, disk.allocated())).unwrap()
}

pub fn try_restore(repository: &Repository, point: &PointRecord, sink: &Restored) -> Result<()> {
    let options = RestoreOptions::default();
    let disk = &point.disks[0];
    repository.restore_disk(disk, &point.domain, sink, options, &Control::none()).map(|_| ())
}

pub fn assert_restores(repository: &Repository, point: &PointRecord, disk: &Disk) {
    let sink = Restored::new(disk.size);
    try_restore(repository, point, &sink).unwrap();
    sink.assert_is(disk);
}

/// Objects of a folder of the repository, sorted.
pub fn objects(storage: &Storage, folder: &str) -> Vec<String> {
    let mut names: Vec<_> =
        storage.backend().list(folder).unwrap().into_iter().map(|entry| entry.path).collect();
    names.sort();
    names
}
