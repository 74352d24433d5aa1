//! The suite over a driver written in C against the generated header.
#![allow(clippy::unwrap_used)] // Helpers of tests.

#[path = "support/cc.rs"]
mod cc;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use firn_driver_conformance::{Content, Fixture, FixtureResult, StagedLibrary, run};
use firn_driver_host::LoadedDriver;
use firn_driver_sdk::{Capabilities, Config, DiskLocation, Driver, ErrorKind, ImageFormat};

struct RawFiles {
    folder: PathBuf,
}

fn raw(path: PathBuf) -> DiskLocation {
    DiskLocation::File { path, format: ImageFormat::Raw, backing: Vec::new() }
}

fn path(disk: &DiskLocation) -> &Path {
    match disk {
        DiskLocation::File { path, .. } => path,
        other => panic!("not a disk of this fixture: {other:?}"),
    }
}

impl Fixture for RawFiles {
    fn capabilities(&self) -> Capabilities {
        Capabilities { write: true, ..Capabilities::default() }
    }

    fn size_granularity_bytes(&self) -> u64 {
        1
    }

    fn make_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        let path = self.folder.join(format!("{name} \"ü\\\n.raw"));
        let file = File::create_new(&path)?;
        file.set_len(content.size_bytes())?;
        for extent in content.data(4096).as_slice() {
            file.write_all_at(content.range(extent.offset, extent.length as usize), extent.offset)?;
        }
        Ok(raw(path))
    }

    fn remove_disk(&self, disk: &DiskLocation) -> FixtureResult<()> {
        Ok(fs::remove_file(path(disk))?)
    }

    fn read_disk(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        Ok(fs::read(path(disk))?)
    }

    fn fingerprint(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        let metadata = fs::metadata(path(disk))?;
        let mut print = fs::read(path(disk))?;
        for number in [metadata.mtime(), metadata.mtime_nsec(), i64::from(metadata.mode())] {
            print.extend(number.to_le_bytes());
        }
        Ok(print)
    }

    fn guest_writes(&self, disk: &DiskLocation, offset: u64, data: &[u8]) -> FixtureResult<bool> {
        // File systems keep times by the tick of a slow clock.
        thread::sleep(Duration::from_millis(30));
        OpenOptions::new().write(true).open(path(disk))?.write_all_at(data, offset)?;
        Ok(true)
    }

    fn foreign_disks(&self) -> Vec<DiskLocation> {
        let qcow2 = self.folder.join("a.qcow2");
        vec![
            DiskLocation::File { path: qcow2, format: ImageFormat::Qcow2, backing: Vec::new() },
            DiskLocation::Block { path: "/dev/null".into(), format: ImageFormat::Raw },
            DiskLocation::PoolVolume { pool: "file".into(), volume: "raw".into() },
            DiskLocation::Unknown { description: "type\":\"file".into() },
            raw(self.folder.clone()),
        ]
    }

    fn absent_disk(&self) -> DiskLocation {
        raw(self.folder.join("absent.raw"))
    }
}

#[test]
fn the_driver_in_c_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/rawfile.c");
    let library = cc::compile(&source, folder.path(), &[]);
    let staged = StagedLibrary::new("rawfile", &library).unwrap();
    let driver = LoadedDriver::load(staged.folder(), "rawfile", &Config::default()).unwrap();
    assert_eq!(driver.descriptor().version, "1.0");
    let fixture = RawFiles { folder: folder.path().canonicalize().unwrap() };

    let report = run(&driver, &fixture);
    report.assert_passed();
    let left_out = [
        "connector",
        "create",
        "create what exists",
        "changed extents",
        "snapshots",
        "snapshot content",
        "absent and doubled snapshots",
        "renamed snapshots",
        "remove",
        "remove of a disk in use",
    ];
    assert_eq!(report.left_out(), left_out, "{report}");

    // The cause that C gave is kept apart from the message.
    let error = driver.probe(&fixture.absent_disk()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "No such file or directory");
}
