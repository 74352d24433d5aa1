//! A repository of format version 1 that was made once and lies in the source tree: it must
//! open, restore and verify for ever, and a reader that shares no code with us must agree.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, Disk, assert_restores, small_chunks};
use firn_repository::{MasterKey, OpenOptions, PointEntry, PointRecord, Repository, Storage};

/// Set to a folder to make the fixture anew, after a change of the format's version only.
const MAKE: &str = "FIRN_MAKE_GOLDEN";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// The disks of the two points, as they were stored.
fn disks() -> [Disk; 2] {
    // Over a gigabyte virtual, so that the map has two levels, and no multiple of anything.
    let mut first = Disk::filled((1 << 30) + 12_345, 3..20, 40);
    first.pieces.extend([(9_000, 3), (60_000, 4), (65_536 - 1, 6)]);
    let mut second = first.clone();
    second.pieces.remove(&9_000);
    second.pieces.insert(30_000, 9);
    [first, second]
}

fn points(repository: &Repository) -> Vec<PointRecord> {
    let entries = repository.points().unwrap();
    let good = entries.into_iter().map(|entry| match entry {
        PointEntry::Good(point) => *point,
        PointEntry::Damaged { id, reason } => panic!("{id}: {reason}"),
    });
    let mut points: Vec<_> = good.collect();
    points.sort_by_key(|point| point.instance_name.clone());
    points
}

/// Opens a copy: opening a local repository makes a folder for sessions.
fn open_copy(folder: &Path) -> Repository {
    let copied = Command::new("cp").arg("-r").arg(golden()).arg(folder).status().unwrap();
    assert!(copied.success());
    let storage = Storage::local(folder.join("v1/repository")).unwrap();
    let key = MasterKey::load(golden().join("key")).unwrap();
    Repository::open(storage, &key, OpenOptions::default()).unwrap()
}

#[test]
fn version_1_restores() {
    if let Some(folder) = std::env::var_os(MAKE) {
        return make(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let repository = open_copy(folder.path());
    let points = points(&repository);
    assert_eq!(points.len(), 2);
    for (point, disk) in points.iter().zip(disks()) {
        assert_restores(&repository, point, &disk);
        assert_eq!(point.disks[0].attributes["bus"], "virtio");
    }
    let report = repository.verify(&Default::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn names_and_maps_are_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let repository = open_copy(folder.path());
    for (point, disk) in points(&repository).iter().zip(disks()) {
        let again = support::full(&repository, &disk);
        assert_eq!(again.disks[0].root, point.disks[0].root);
        assert_eq!(again.disks[0].stats.new_bytes, 0);
    }
}

#[test]
fn an_independent_reader_restores_it() {
    let folder = tempfile::tempdir().unwrap();
    let python = python(folder.path());
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reader/read_disk.py");
    let repository = open_copy(folder.path());
    for (number, (point, disk)) in points(&repository).iter().zip(disks()).enumerate() {
        let output = folder.path().join(format!("{number}.raw"));
        let ran = Command::new(&python)
            .arg(&reader)
            .arg(folder.path().join("v1/repository"))
            .arg(golden().join("key"))
            .arg(point.id.to_string())
            .arg("vda")
            .arg(&output)
            .status()
            .unwrap();
        assert!(ran.success(), "the independent reader fails");
        let file = std::fs::File::open(&output).unwrap();
        assert_eq!(file.metadata().unwrap().len(), disk.size);
        let (mut got, mut expected) = (vec![0; 1 << 20], vec![0; 1 << 20]);
        for block in 0..disk.size.div_ceil(1 << 20) {
            let offset = block << 20;
            let length = (disk.size - offset).min(1 << 20) as usize;
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut got[..length], offset).unwrap();
            disk.read(offset, &mut expected[..length]);
            assert!(got[..length] == expected[..length], "at {offset}");
        }
    }
}

/// A Python with the packages of the reader: this machine's, or a new environment's.
fn python(folder: &Path) -> PathBuf {
    let has_all = |python: &Path| {
        let imports = "import blake3, cryptography, zstandard";
        Command::new(python)
            .args(["-c", imports])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let system = PathBuf::from("python3");
    if has_all(&system) {
        return system;
    }
    let environment = folder.join("environment");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).status();
    assert!(made.is_ok_and(|status| status.success()), "install python3 and python3-venv");
    let python = environment.join("bin/python3");
    let installed = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "blake3", "cryptography", "zstandard"])
        .status()
        .unwrap();
    assert!(
        installed.success() && has_all(&python),
        "pip cannot install blake3, cryptography and zstandard: install them for python3"
    );
    python
}

fn make(folder: &Path) {
    let storage = Storage::local(folder.join("repository")).unwrap();
    let key = MasterKey::generate().unwrap();
    key.store_new(folder.join("key")).unwrap();
    let repository = Repository::create(storage, &key, small_chunks()).unwrap();
    for (disk, name) in disks().iter().zip(["first", "second"]) {
        let session = support::begin(&repository);
        let plan = firn_repository::DiskPlan::full(disk.size, disk.allocated());
        let image = session.backup_disk(disk, &plan, &Default::default()).unwrap();
        let mut new = support::new_point(image);
        new.instance_name = name.to_owned();
        session.commit(new).unwrap();
    }
    for local in ["tmp", "host"] {
        std::fs::remove_dir_all(folder.join("repository").join(local)).unwrap();
    }
}
