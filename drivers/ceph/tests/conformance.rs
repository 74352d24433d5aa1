//! The behavioural suite, on the driver itself and on the library as the host loads it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Scene, config, disk, fresh};
use firn_driver_conformance::{Content, Fixture, FixtureResult, NewDisk, run, stage};
use firn_driver_host::LoadedDriver;
use firn_driver_sdk::{
    Access, Capabilities, Descriptor, Disk, DiskLocation, Driver, DriverError, HostAddress,
    ImageFormat, Location, OpenRequest, Probe,
};
use serde_json::json;

/// Snapshots that stand for what a backup reads.
const BACKUP: &str = "backup-";

struct Images {
    scene: Scene,
    /// Tests of one cluster run at once.
    prefix: String,
}

impl Images {
    fn new() -> Self {
        let prefix = fresh("vms");
        Self { scene: Scene::shared(), prefix }
    }

    fn path(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    fn take_backup_snapshot(&self, image: &str, number: usize) {
        self.scene.snapshot(image, &format!("{BACKUP}{number}"));
    }
}

fn path(disk: &DiskLocation) -> String {
    match disk {
        DiskLocation::Rbd { pool, image, .. } => format!("{pool}/{image}"),
        other => panic!("not a disk of this fixture: {other:?}"),
    }
}

fn backups(driver: &dyn Driver, location: &Location) -> Result<Vec<String>, DriverError> {
    let mut names = driver.snapshot_list(location)?;
    names.retain(|name| name.starts_with(BACKUP));
    names.sort();
    Ok(names)
}

impl Fixture for Images {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            snapshots: true,
            changed_blocks: true,
            write: true,
            create: true,
            connections: false,
            remove: true,
        }
    }

    fn make_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        let image = self.path(name);
        let size = content.size_bytes();
        self.scene.peer.try_order(&json!({"do": "make", "image": image, "size": size}))?;
        self.scene.peer.write_parts(&image, content.bytes(), &content.data(4096));
        Ok(disk(&image))
    }

    fn remove_disk(&self, disk: &DiskLocation) -> FixtureResult<()> {
        self.scene.peer.try_order(&json!({"do": "remove", "image": path(disk)}))?;
        Ok(())
    }

    fn read_disk(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        Ok(self.scene.peer.read(&path(disk), None))
    }

    fn fingerprint(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        let order = json!({"do": "fingerprint", "image": path(disk)});
        Ok(self.scene.peer.try_order(&order)?.to_string().into_bytes())
    }

    fn guest_writes(&self, disk: &DiskLocation, offset: u64, data: &[u8]) -> FixtureResult<bool> {
        self.scene.peer.write(&path(disk), offset, data);
        Ok(true)
    }

    fn foreign_disks(&self) -> Vec<DiskLocation> {
        let server = HostAddress { host: "127.0.0.1".into(), port: None };
        vec![
            DiskLocation::Nbd { server, export: "a".into() },
            DiskLocation::Block { path: "/dev/rbd0".into(), format: ImageFormat::Raw },
            DiskLocation::PoolVolume { pool: "volumes".into(), volume: "a".into() },
            DiskLocation::Unknown { description: "rbd".into() },
        ]
    }

    fn absent_disk(&self) -> DiskLocation {
        disk(&self.path("absent"))
    }

    fn make_tracked_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        let disk = self.make_disk(name, content)?;
        self.take_backup_snapshot(&path(&disk), 0);
        Ok(disk)
    }

    fn settle(&self, disk: &DiskLocation) -> FixtureResult<()> {
        let location = self.scene.probe(&path(disk))?.location;
        let number = backups(&self.scene.driver, &location)?.len();
        self.take_backup_snapshot(&path(disk), number);
        Ok(())
    }

    fn new_disk(&self, name: &str) -> FixtureResult<NewDisk> {
        let image = self.path(name);
        let (pool, name) = image.split_once('/').unwrap();
        let place = json!({"fsid": self.scene.fsid(), "pool": pool, "image": name});
        Ok(NewDisk { location: Location(place), disk: disk(&image) })
    }
}

/// The driver as a backup uses it: of a disk that has backup snapshots it reads the newest.
/// Changes are told from one snapshot to another, never for the image itself.
struct ReadsSnapshots<'a>(&'a dyn Driver);

impl Driver for ReadsSnapshots<'_> {
    fn descriptor(&self) -> Descriptor {
        self.0.descriptor()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        self.0.probe(location)
    }

    fn snapshot_create(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        self.0.snapshot_create(location, name)
    }

    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        self.0.snapshot_delete(location, name)
    }

    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        self.0.snapshot_list(location)
    }

    fn snapshot_rename(
        &self,
        location: &Location,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        self.0.snapshot_rename(location, from, to)
    }

    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        self.0.remove(location, our_snapshots)
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        let mut request = request.clone();
        if request.access == Access::ReadOnly && request.snapshot.is_none() {
            // Where the image is not there, or is not one, the driver says so better.
            request.snapshot = backups(self.0, &request.location).unwrap_or_default().pop();
        }
        self.0.open(&request)
    }
}

fn check(driver: &dyn Driver, fixture: &Images) {
    let report = run(&ReadsSnapshots(driver), fixture);
    report.assert_passed();
    assert_eq!(report.left_out(), ["connector"], "{report}");
}

#[test]
fn native() {
    let fixture = Images::new();
    check(&fixture.scene.driver, &fixture);
}

#[test]
fn loaded() {
    let fixture = Images::new();
    let staged = stage("ceph").unwrap();
    let config = config(&fixture.scene.cluster);
    let driver = LoadedDriver::load(staged.folder(), "ceph", &config).unwrap();
    check(&driver, &fixture);
}
