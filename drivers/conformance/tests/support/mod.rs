//! The memory driver's medium, for the suite.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // Helpers of tests; not each uses all.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_driver_conformance::{Content, Fixture, FixtureResult, NewDisk};
use firn_driver_memory::Medium;
use firn_driver_sdk::{
    Capabilities, Config, ConnectionInfo, DiskLocation, Driver, ImageFormat, Location, OpenRequest,
};
use serde_json::json;

/// How the fixture reaches the medium.
pub trait Link {
    fn create(&self, image: &str, data: &[u8]) -> bool;
    fn remove(&self, image: &str);
    fn write(&self, image: &str, offset: u64, data: &[u8]) -> bool;
    fn read(&self, image: &str) -> Option<Vec<u8>>;
}

/// The medium in this very program.
pub struct Native(pub Medium);

impl Link for Native {
    fn create(&self, image: &str, data: &[u8]) -> bool {
        self.0.create(image, data.to_vec()).is_ok()
    }
    fn remove(&self, image: &str) {
        self.0.remove(image);
    }
    fn write(&self, image: &str, offset: u64, data: &[u8]) -> bool {
        self.0.write(image, offset, data).is_ok()
    }
    fn read(&self, image: &str) -> Option<Vec<u8>> {
        self.0.with(image, |image| Ok(image.data().to_vec())).ok()
    }
}

pub struct MemoryFixture {
    pub medium: String,
    pub link: Box<dyn Link>,
}

/// A medium that no other test uses.
pub fn fresh_medium() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("pool-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub fn config(medium: &str) -> Config {
    Config(json!({ "medium": medium }))
}

impl MemoryFixture {
    pub fn native(medium: &str) -> Self {
        let link = Box::new(Native(Medium::named(medium)));
        Self { medium: medium.to_owned(), link }
    }

    pub fn disk(&self, name: &str) -> DiskLocation {
        DiskLocation::PoolVolume { pool: self.medium.clone(), volume: name.to_owned() }
    }
}

fn name(disk: &DiskLocation) -> &str {
    match disk {
        DiskLocation::PoolVolume { volume, .. } => volume,
        other => panic!("not a disk of this fixture: {other:?}"),
    }
}

impl Fixture for MemoryFixture {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            snapshots: true,
            changed_blocks: true,
            write: true,
            create: true,
            connections: true,
            remove: true,
        }
    }

    fn size_granularity_bytes(&self) -> u64 {
        1
    }

    fn make_disk(&self, name: &str, content: &Content) -> FixtureResult<DiskLocation> {
        if !self.link.create(name, content.bytes()) {
            return Err(format!("the image {name} cannot be made").into());
        }
        Ok(self.disk(name))
    }

    fn remove_disk(&self, disk: &DiskLocation) -> FixtureResult<()> {
        self.link.remove(name(disk));
        Ok(())
    }

    fn read_disk(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        self.link.read(name(disk)).ok_or_else(|| "the image is gone".into())
    }

    fn fingerprint(&self, disk: &DiskLocation) -> FixtureResult<Vec<u8>> {
        self.read_disk(disk)
    }

    fn guest_writes(&self, disk: &DiskLocation, offset: u64, data: &[u8]) -> FixtureResult<bool> {
        Ok(self.link.write(name(disk), offset, data))
    }

    fn foreign_disks(&self) -> Vec<DiskLocation> {
        vec![
            DiskLocation::PoolVolume { pool: "another".into(), volume: "a".into() },
            DiskLocation::File {
                path: PathBuf::from("/nonexistent"),
                format: ImageFormat::Raw,
                backing: Vec::new(),
            },
            DiskLocation::Unknown { description: "vhost-user".into() },
        ]
    }

    fn absent_disk(&self) -> DiskLocation {
        self.disk("never-made")
    }

    fn new_disk(&self, name: &str) -> FixtureResult<NewDisk> {
        Ok(NewDisk { location: Location(json!({ "image": name })), disk: self.disk(name) })
    }
}

/// What the suite does not do: a connection's whole life, with the answers crossing the ABI.
pub fn check_connections(driver: &dyn Driver, fixture: &MemoryFixture) {
    assert_eq!(driver.connector().unwrap().host, "memory");
    assert!(fixture.link.create("lun", &[7; 512]));
    let info = ConnectionInfo { version: 1, protocol: "m".into(), data: json!({"image": "lun"}) };
    let connected = driver.connect(&info).unwrap();
    let request = OpenRequest {
        location: connected.location,
        snapshot: None,
        access: firn_driver_sdk::Access::ReadOnly,
    };
    assert_eq!(driver.open(&request).unwrap().size_bytes(), 512);
    driver.disconnect(&info).unwrap();
    driver.disconnect(&info).unwrap();
}
