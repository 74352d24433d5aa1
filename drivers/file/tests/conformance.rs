//! The behavioural suite, on raw and qcow2 disks, called directly and loaded from the library.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use common::{driver, folder, run, text};
use firn_driver_conformance::{Content, Fixture, FixtureResult, NewDisk, run as run_suite, stage};
use firn_driver_host::LoadedDriver;
use firn_driver_sdk::{
    Capabilities, Config, Descriptor, Disk, DiskLocation, Driver, DriverError, HostAddress,
    ImageFormat, Location, OpenRequest, Probe,
};
use serde_json::json;

struct Files {
    folder: tempfile::TempDir,
    format: ImageFormat,
}

impl Files {
    fn new(format: ImageFormat) -> Self {
        Self { folder: folder(), format }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make_qcow2(&self, name: &str, content: &Content) -> DiskLocation {
        let (flat, image) = (self.path("source"), self.path(name));
        write_sparse(&flat, content);
        run("qemu-img", &["convert", "-f", "raw", "-O", "qcow2", text(&flat), text(&image)]);
        fs::remove_file(flat).unwrap();
        common::qcow2(&image)
    }
}

fn write_sparse(path: &Path, content: &Content) {
    let file = File::create_new(path).unwrap();
    file.set_len(content.size_bytes()).unwrap();
    for run in content.data(4096).as_slice() {
        file.write_all_at(content.range(run.offset, run.length as usize), run.offset).unwrap();
    }
}

fn parts(disk: &DiskLocation) -> (&Path, &'static str) {
    match disk {
        DiskLocation::File { path, format: ImageFormat::Qcow2, .. } => (path, "qcow2"),
        DiskLocation::File { path, .. } => (path, "raw"),
        other => panic!("not a disk of this fixture: {other:?}"),
    }
}

impl Fixture for Files {
    fn capabilities(&self) -> Capabilities {
        let write = self.format == ImageFormat::Raw;
        Capabilities { changed_blocks: true, write, create: write, ..Capabilities::default() }
    }

    fn size_granularity_bytes(&self) -> u64 {
        // Raw files may have any size, which other tests see to; the tracked disks are qcow2.
        512
    }

    fn make_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        if self.format == ImageFormat::Qcow2 {
            return Ok(self.make_qcow2(name, content));
        }
        write_sparse(&self.path(name), content);
        Ok(common::raw(&self.path(name)))
    }

    fn remove_disk(&self, disk: &DiskLocation) -> FixtureResult<()> {
        Ok(fs::remove_file(parts(disk).0)?)
    }

    fn read_disk(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        let (path, format) = parts(disk);
        let out = self.path("content");
        run("qemu-img", &["convert", "-U", "-f", format, "-O", "raw", text(path), text(&out)]);
        let mut content = fs::read(&out)?;
        if format == "raw" {
            // QEMU counts in sectors of 512 bytes.
            content.truncate(fs::metadata(path)?.len() as usize);
        }
        Ok(content)
    }

    fn fingerprint(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        let path = parts(disk).0;
        let (mut bytes, metadata) = (fs::read(path)?, fs::metadata(path)?);
        for time in [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec()] {
            bytes.extend(time.to_le_bytes());
        }
        Ok(bytes)
    }

    fn guest_writes(&self, disk: &DiskLocation, offset: u64, data: &[u8]) -> FixtureResult<bool> {
        let (path, format) = parts(disk);
        let source = self.path("guest-data");
        fs::write(&source, data)?;
        let write = format!("write -s {} {offset} {}", text(&source), data.len());
        // One that cares for no lock: that others are kept out has its own tests.
        let options = format!(
            "driver={format},file.driver=file,file.locking=off,file.filename={}",
            text(path)
        );
        run("qemu-io", &["--image-opts", "-c", &write, &options]);
        Ok(true)
    }

    fn foreign_disks(&self) -> Vec<DiskLocation> {
        let server = HostAddress { host: "127.0.0.1".into(), port: None };
        vec![
            DiskLocation::Nbd { server, export: "a".into() },
            DiskLocation::Block { path: "/dev/null".into(), format: ImageFormat::Qcow2 },
            DiskLocation::Unknown { description: "vhost-user".into() },
        ]
    }

    fn absent_disk(&self) -> DiskLocation {
        let path = self.path("never-made");
        DiskLocation::File { path, format: self.format, backing: Vec::new() }
    }

    fn make_tracked_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        let disk = self.make_qcow2(name, content);
        run("qemu-img", &["bitmap", "--add", text(&self.path(name)), "tracked"]);
        Ok(disk)
    }

    fn new_disk(&self, name: &str) -> FixtureResult<NewDisk> {
        let disk = common::raw(&self.path(name));
        Ok(NewDisk { location: Location::from_typed(&disk)?, disk })
    }
}

/// The driver as it is to a qcow2 disk, which it only reads.
struct OnlyReads<'a>(&'a dyn Driver);

impl Driver for OnlyReads<'_> {
    fn descriptor(&self) -> Descriptor {
        self.0.descriptor()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { write: false, create: false, ..self.0.capabilities() }
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        self.0.probe(location)
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        self.0.open(request)
    }
}

fn check(driver: &dyn Driver, fixture: &Files) {
    let reading = OnlyReads(driver);
    let (driver, left_out): (&dyn Driver, _) = match fixture.format {
        ImageFormat::Raw => (driver, LEFT_OUT_RAW.to_vec()),
        _ => (&reading, [LEFT_OUT_RAW, LEFT_OUT_QCOW2].concat()),
    };
    let report = run_suite(driver, fixture);
    report.assert_passed();
    let mut found = report.left_out();
    found.sort_unstable();
    let mut expected = left_out;
    expected.sort_unstable();
    assert_eq!(found, expected, "{report}");
}

/// What is of connections, snapshots and removal.
const LEFT_OUT_RAW: &[&str] = &[
    "connector",
    "snapshots",
    "snapshot content",
    "absent and doubled snapshots",
    "renamed snapshots",
    "remove",
    "remove of a disk in use",
];
/// What writes.
const LEFT_OUT_QCOW2: &[&str] =
    &["write", "zero", "write past the end", "concurrent writes", "create", "create what exists"];

fn loaded(fixture: &Files) -> LoadedDriver {
    let staged = stage("file").unwrap();
    let config = Config(json!({"runtime_dir": fixture.folder.path()}));
    // A loaded library stays usable when its file is gone.
    LoadedDriver::load(staged.folder(), "file", &config).unwrap()
}

#[test]
fn native_on_raw() {
    let fixture = Files::new(ImageFormat::Raw);
    check(&driver(fixture.folder.path()), &fixture);
}

#[test]
fn native_on_qcow2() {
    let fixture = Files::new(ImageFormat::Qcow2);
    check(&driver(fixture.folder.path()), &fixture);
}

#[test]
fn loaded_on_raw() {
    let fixture = Files::new(ImageFormat::Raw);
    check(&loaded(&fixture), &fixture);
}

#[test]
fn loaded_on_qcow2() {
    let fixture = Files::new(ImageFormat::Qcow2);
    check(&loaded(&fixture), &fixture);
}
