//! Images made by Ceph's own Python bindings, and the driver opened on them.
#![allow(dead_code, clippy::expect_used)]

mod peer;

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_driver_ceph::CephDriver;
use firn_driver_sdk::{
    Access, Config, Disk, DiskLocation, Driver, DriverError, DriverFactory, Extent, ExtentList,
    Host, HostAddress, OpenRequest, Probe, ReadRequest,
};
pub(crate) use peer::Peer;
use serde_json::{Value, json};

pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;

/// The driver's section for a cluster, with all users.
pub(crate) fn config(cluster: &Value) -> Config {
    Config(json!({"clusters": [cluster_config(cluster)], "osd_timeout_seconds": 30}))
}

pub(crate) fn cluster_config(cluster: &Value) -> Value {
    json!({
        "conf": cluster["conf"],
        "user": "firn-backup",
        "snapshot_user": "firn-snapshot",
        "write_user": "firn-restore",
    })
}

pub(crate) fn driver_with(config: Value) -> CephDriver {
    CephDriver::create(&Config(config), Host::silent()).unwrap()
}

/// A cluster, the driver on it, and somebody who makes images.
pub(crate) struct Scene {
    pub(crate) cluster: Value,
    pub(crate) driver: CephDriver,
    pub(crate) peer: Peer,
}

impl Scene {
    /// On the cluster that all tests share.
    pub(crate) fn shared() -> Self {
        Self::on(&firn_ground::shared("ceph"))
    }

    pub(crate) fn on(cluster: &Value) -> Self {
        let driver = CephDriver::create(&config(cluster), Host::silent()).unwrap();
        Self { cluster: cluster.clone(), driver, peer: Peer::new(cluster) }
    }

    pub(crate) fn fsid(&self) -> &str {
        self.cluster["fsid"].as_str().unwrap()
    }

    /// A path in the pool `volumes` that nobody has used.
    pub(crate) fn fresh(&self) -> String {
        fresh("volumes")
    }

    /// A new image of zeros.
    pub(crate) fn image(&self, size_bytes: u64) -> String {
        let image = self.fresh();
        self.peer.order(json!({"do": "make", "image": image, "size": size_bytes}));
        image
    }

    pub(crate) fn snapshot(&self, image: &str, name: &str) {
        self.peer.snapshot(image, "create_snap", &[name]);
    }

    pub(crate) fn probe(&self, image: &str) -> Result<Probe, DriverError> {
        self.driver.probe(&disk(image)).map(|probe| probe.expect("mine"))
    }

    pub(crate) fn open_as(
        &self,
        image: &str,
        snapshot: Option<&str>,
        access: Access,
    ) -> Result<Box<dyn Disk>, DriverError> {
        let snapshot = snapshot.map(str::to_owned);
        let location = self.probe(image)?.location;
        self.driver.open(&OpenRequest { location, snapshot, access })
    }

    pub(crate) fn open(&self, image: &str, snapshot: &str) -> Box<dyn Disk> {
        self.open_as(image, Some(snapshot), Access::ReadOnly).unwrap()
    }

    pub(crate) fn open_head(&self, image: &str) -> Box<dyn Disk> {
        self.open_as(image, None, Access::ReadOnly).unwrap()
    }
}

/// A path of `pool` (and namespace) that nobody has used.
pub(crate) fn fresh(pool: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{pool}/test-{}-{number}", process::id())
}

/// What a domain names where it has the disk `pool/image` or `pool/namespace/image`.
pub(crate) fn disk(image: &str) -> DiskLocation {
    disk_at(image, &[])
}

pub(crate) fn disk_at(image: &str, monitors: &[&str]) -> DiskLocation {
    let parts: Vec<_> = image.split('/').map(str::to_owned).collect();
    let address = |monitor: &&str| {
        let (host, port) = monitor.rsplit_once(':').unwrap();
        HostAddress { host: host.to_owned(), port: Some(port.parse().unwrap()) }
    };
    DiskLocation::Rbd {
        pool: parts[0].clone(),
        namespace: (parts.len() == 3).then(|| parts[1].clone()),
        image: parts[parts.len() - 1].clone(),
        monitors: monitors.iter().map(address).collect(),
        user: Some("nova".to_owned()),
    }
}

pub(crate) fn read(disk: &dyn Disk, offset: u64, length: usize) -> Result<Vec<u8>, DriverError> {
    let mut buffer = vec![0xee; length];
    disk.read(&mut [ReadRequest { offset, buffer: &mut buffer }])?;
    Ok(buffer)
}

pub(crate) fn read_all(disk: &dyn Disk) -> Vec<u8> {
    read(disk, 0, disk.size_bytes() as usize).unwrap()
}

pub(crate) fn allocated(disk: &dyn Disk) -> ExtentList {
    disk.extents_allocated(Extent::new(0, disk.size_bytes())).unwrap()
}

/// The bytes in which two contents differ; those that only one has do too.
pub(crate) fn difference(one: &[u8], other: &[u8]) -> ExtentList {
    const STEP: usize = 4096;
    let both = one.len().min(other.len());
    let mut differs = ExtentList::new();
    for start in (0..both).step_by(STEP) {
        let end = (start + STEP).min(both);
        // Most is equal, which is told fast.
        if one[start..end] != other[start..end] {
            let bytes = (start..end).filter(|at| one[*at] != other[*at]);
            bytes.for_each(|at| differs.push(Extent::new(at as u64, 1)));
        }
    }
    differs.push(Extent::new(both as u64, (one.len().max(other.len()) - both) as u64));
    differs
}

pub(crate) fn assert_same(found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len());
    let differs = difference(found, expected);
    assert!(differs.is_empty(), "differs at {:?}", &differs.as_slice()[..1]);
}

/// Reproducible numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
