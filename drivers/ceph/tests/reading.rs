//! What is read, against what Ceph's own tools read.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{
    MIB, Random, Scene, allocated, assert_same, cluster_config, disk, disk_at, driver_with, fresh,
    read_all,
};
use firn_driver_sdk::{
    Access, Disk, Driver, DriverError, ErrorKind, Extent, Location, OpenRequest, ReadRequest,
};
use serde_json::json;

/// `rbd export` of an image or snapshot.
fn exported(scene: &Scene, spec: &str) -> Vec<u8> {
    let conf = scene.cluster["conf"].as_str().unwrap();
    let arguments = ["-c", conf, "--id", "admin", "--no-progress", "export", spec, "-"];
    let output = Command::new("rbd").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Some data in places, across objects too.
fn scribble(scene: &Scene, image: &str, size_bytes: u64, seed: u64) {
    let mut random = Random(seed);
    for _ in 0..6 {
        let data = random.bytes(1 + random.0 as usize % 400_000);
        scene.peer.write(image, random.below(size_bytes - data.len() as u64), &data);
    }
}

/// Reads everything in one vectored call, and sees that what is not allocated is zero.
fn check(disk: &dyn Disk, expected: &[u8]) {
    assert_same(&read_all(disk), expected);
    let mut pieces: Vec<_> = (0..40_u64)
        .map(|index| (index * 777_777 % (disk.size_bytes() - 5000), vec![0xee; 5000]))
        .collect();
    let mut requests: Vec<_> =
        pieces.iter_mut().map(|(offset, buffer)| ReadRequest { offset: *offset, buffer }).collect();
    disk.read(&mut requests).unwrap();
    for (offset, found) in &pieces {
        assert_same(found, &expected[*offset as usize..][..5000]);
    }
    let holes = allocated(disk).complement(disk.size_bytes());
    for hole in holes.as_slice() {
        let content = &expected[hole.offset as usize..hole.end() as usize];
        assert!(content.iter().all(|byte| *byte == 0), "data in {hole:?} is not told");
    }
    disk.close().unwrap();
}

#[test]
fn a_snapshot_of_an_image_that_goes_on() {
    let scene = Scene::shared();
    let size = 20 * MIB + 512;
    let image = scene.image(size);
    scribble(&scene, &image, size, 1);
    scene.snapshot(&image, "then");
    let expected = exported(&scene, &format!("{image}@then"));
    let disk = scene.open(&image, "then");
    scribble(&scene, &image, size, 2);
    check(&*disk, &expected);
    check(&*scene.open_head(&image), &exported(&scene, &image));
    assert!(allocated(&*scene.open(&image, "then")).bytes() < size);
}

#[test]
fn a_clone_reads_through_to_its_parent() {
    let scene = Scene::shared();
    let (parent, child) = (fresh("images"), fresh("vms"));
    scene.peer.order(json!({"do": "make", "image": parent, "size": 12 * MIB}));
    scribble(&scene, &parent, 12 * MIB, 3);
    scene.snapshot(&parent, "snap");
    scene.peer.order(json!({"do": "clone", "list": [parent, "snap", child]}));
    scene.peer.order(json!({"do": "resize", "image": child, "size": 16 * MIB}));
    let below = exported(&scene, &format!("{parent}@snap"));
    scene.peer.write(&child, 5 * MIB + 100, &[7; 5000]);
    scene.peer.order(json!({"do": "discard", "list": [child, 8 * MIB, MIB]}));
    scene.snapshot(&child, "then");
    let expected = exported(&scene, &format!("{child}@then"));
    assert!(common::difference(&below, &expected).bytes() > 5000);
    check(&*scene.open(&child, "then"), &expected);
}

#[test]
fn a_namespace_is_a_place_of_its_own() {
    let scene = Scene::shared();
    let path = fresh("vms");
    let name = path.split_once('/').unwrap().1;
    scene.peer.order(json!({"do": "namespace", "name": format!("vms/{name}")}));
    let inside = format!("vms/{name}/{name}");
    for (image, byte) in [(&path, 1), (&inside, 2)] {
        scene.peer.order(json!({"do": "make", "image": image, "size": MIB}));
        scene.peer.write(image, 0, &vec![byte; MIB as usize]);
        scene.snapshot(image, "then");
    }
    for (image, byte) in [(&path, 1), (&inside, 2)] {
        let disk = scene.open(image, "then");
        assert_same(&read_all(&*disk), &vec![byte; MIB as usize]);
        disk.close().unwrap();
    }
    let found = scene.probe(&inside).unwrap();
    let place = json!({"fsid": scene.fsid(), "pool": "vms", "namespace": name, "image": name});
    assert_eq!(found.location, Location(place));
    assert_eq!(found.storage, format!("rbd:{}/vms", &scene.fsid()[..8]));
    assert_eq!((found.size_bytes, found.changed_blocks, found.in_use), (MIB, true, false));
    scene.open_head(&inside).close().unwrap();
}

#[test]
fn data_in_another_pool() {
    let scene = Scene::shared();
    let mut cluster = cluster_config(&scene.cluster);
    cluster["data_pool"] = json!("images");
    let driver = driver_with(json!({"clusters": [cluster]}));
    let image = scene.fresh();
    let (pool, name) = image.split_once('/').unwrap();
    let location = Location(json!({"fsid": scene.fsid(), "pool": pool, "image": name}));
    let access = Access::Create { size_bytes: 8 * MIB };
    let disk = driver.open(&OpenRequest { location, snapshot: None, access }).unwrap();
    let data = Random(4).bytes(5_000_000);
    disk.write(1_000_001, &data).unwrap();
    disk.zero(Extent::new(2_000_000, 100_000)).unwrap();
    disk.flush().unwrap();
    disk.close().unwrap();
    assert_eq!(scene.peer.order(json!({"do": "data_pool", "image": image})), "images");
    let mut expected = vec![0; 8 << 20];
    expected[1_000_001..6_000_001].copy_from_slice(&data);
    expected[2_000_000..2_100_000].fill(0);
    assert_same(&exported(&scene, &image), &expected);
    scene.snapshot(&image, "then");
    check(&*scene.open(&image, "then"), &expected);
}

#[test]
fn clusters_are_told_apart() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    scene.snapshot(&image, "then");
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("ceph.conf");
    // Nobody listens on port 1.
    let other = "00000000-0000-4000-8000-00000000000a";
    let text = format!("[global]\nfsid = {other}\nmon host = 127.0.0.1:1\n");
    std::fs::write(&elsewhere, text).unwrap();
    let driver = driver_with(json!({
        "clusters": [
            {"conf": "/nowhere/ceph.conf"},
            {"conf": elsewhere},
            cluster_config(&scene.cluster),
        ],
        "connect_timeout_seconds": 2,
    }));
    let monitors: Vec<_> = scene.cluster["monitors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    let found = driver.probe(&disk_at(&image, &monitors)).unwrap().unwrap();
    assert_eq!(found.location.0["fsid"], scene.fsid());
    let request = |location| OpenRequest {
        location,
        snapshot: Some("then".to_owned()),
        access: Access::ReadOnly,
    };
    driver.open(&request(found.location.clone())).unwrap().close().unwrap();

    let kind = |result: Result<_, DriverError>| result.err().unwrap().kind();
    let unreachable = driver.probe(&disk_at(&image, &["127.0.0.1:1"])).map(drop);
    assert_eq!(kind(unreachable), ErrorKind::Unavailable);
    let unknown = driver.probe(&disk_at(&image, &["10.9.9.9:6789"])).map(drop);
    assert_eq!(kind(unknown), ErrorKind::NotFound);
    // The host alone does not tell which.
    let ambiguous = driver.probe(&disk_at(&image, &["127.0.0.1:2"])).map(drop);
    assert_eq!(kind(ambiguous), ErrorKind::InvalidInput);
    assert_eq!(kind(driver.probe(&disk(&image)).map(drop)), ErrorKind::NotFound);
    // What is in a cluster that is not known is not gone.
    let mut lost = found.location;
    lost.0["fsid"] = json!("00000000-0000-4000-8000-00000000000b");
    assert_eq!(kind(driver.snapshot_delete(&lost, "then")), ErrorKind::Unavailable);
    assert_eq!(kind(driver.open(&request(lost)).map(drop)), ErrorKind::Unavailable);
}

#[test]
fn what_a_running_vm_means() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    scene.snapshot(&image, "then");
    let before = scene.open_head(&image);
    scene.peer.order(json!({"do": "hold", "image": image}));
    assert!(scene.probe(&image).unwrap().in_use);
    // A snapshot is one point in time, whoever writes.
    let snapshot = scene.open(&image, "then");
    assert_same(&read_all(&*snapshot), &vec![0; MIB as usize]);
    snapshot.close().unwrap();
    // The image itself is not, also where the VM goes before the end.
    let head = scene.open_head(&image);
    assert_eq!(before.close().unwrap_err().kind(), ErrorKind::Conflict);
    let writable = scene.open_as(&image, None, Access::Writable);
    assert_eq!(writable.err().unwrap().kind(), ErrorKind::Conflict);
    scene.peer.order(json!({"do": "let_go", "image": image}));
    assert_eq!(head.close().unwrap_err().kind(), ErrorKind::Conflict);

    // While it is restored nobody else writes.
    let ours = scene.open_as(&image, None, Access::Writable).unwrap();
    let second = scene.open_as(&image, None, Access::Writable);
    assert_eq!(second.err().unwrap().kind(), ErrorKind::Conflict);
    scene.peer.try_order(&json!({"do": "hold", "image": image})).unwrap_err();
    ours.close().unwrap();
    assert!(!scene.probe(&image).unwrap().in_use);
}

/// A writer's trace in the cluster would keep others from removing the image for half a minute,
/// where its process ends right after.
#[test]
fn who_has_closed_an_image_is_gone_from_it() {
    let scene = Scene::shared();
    let image = scene.image(32 * MIB);
    for _ in 0..50 {
        let disk = scene.open_as(&image, None, Access::Writable).unwrap();
        disk.write(0, &vec![5; 12 * MIB as usize]).unwrap();
        disk.flush().unwrap();
        disk.close().unwrap();
        drop(disk);
        assert!(!scene.probe(&image).unwrap().in_use);
    }
}

/// librbd reads zeros then, without an error.
#[test]
fn a_snapshot_that_goes_while_it_is_read() {
    let scene = Scene::shared();
    let image = scene.image(8 * MIB);
    for snapshot in ["then", "later"] {
        scribble(&scene, &image, 8 * MIB, 5);
        scene.snapshot(&image, snapshot);
    }
    let disk = scene.open(&image, "then");
    scribble(&scene, &image, 8 * MIB, 6);
    let other = scene.open(&image, "later");
    scene.peer.snapshot(&image, "remove_snap", &["then"]);
    // Another of its name is not it.
    scene.snapshot(&image, "then");
    read_all(&*disk);
    assert_eq!(disk.close().unwrap_err().kind(), ErrorKind::Conflict);
    other.close().unwrap();
}

#[test]
fn without_the_lock_nobody_can_vouch_for_the_image_itself() {
    let scene = Scene::shared();
    let image = scene.fresh();
    let features = ["layering"];
    scene.peer.order(json!({"do": "make", "image": image, "size": MIB, "features": features}));
    assert_eq!(scene.open_head(&image).close().unwrap_err().kind(), ErrorKind::Conflict);
    scene.snapshot(&image, "then");
    scene.open(&image, "then").close().unwrap();
    // It can be written to all the same.
    let disk = scene.open_as(&image, None, Access::Writable).unwrap();
    disk.write(0, &[7; 512]).unwrap();
    disk.close().unwrap();
    assert_eq!(exported(&scene, &image)[..512], [7; 512]);
}
