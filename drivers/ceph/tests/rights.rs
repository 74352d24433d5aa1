//! What each cephx user may do, and what is said where one may not.
#![allow(clippy::unwrap_used)]

mod common;

use common::{MIB, Scene, cluster_config, disk, disk_at, driver_with, fresh, read};
use firn_driver_sdk::{Access, CephConf, Driver, DriverError, ErrorKind, Location, OpenRequest};
use serde_json::{Value, json};

fn request(location: &Location, access: Access) -> OpenRequest {
    OpenRequest { location: location.clone(), snapshot: None, access }
}

fn refusal<T>(result: Result<T, DriverError>, kind: ErrorKind, words: &str) {
    let error = result.err().unwrap();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words) && !error.message().contains('\n'), "{error}");
}

fn with(scene: &Scene, change: impl FnOnce(&mut Value)) -> Value {
    let mut cluster = cluster_config(&scene.cluster);
    change(&mut cluster);
    json!({"clusters": [cluster], "connect_timeout_seconds": 5})
}

/// The cluster itself refuses: the user that reads has no right to anything else.
#[test]
fn the_user_that_reads_can_do_nothing_else() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    scene.snapshot(&image, "then");
    let fingerprint = || scene.peer.order(json!({"do": "fingerprint", "image": image}));
    let before = fingerprint();
    let driver = driver_with(with(&scene, |cluster| {
        cluster["write_user"] = json!("firn-backup");
        cluster["snapshot_user"] = json!("firn-backup");
    }));
    let location = driver.probe(&disk(&image)).unwrap().unwrap().location;
    let forbidden = ErrorKind::Forbidden;
    refusal(driver.open(&request(&location, Access::Writable)), forbidden, &image);
    refusal(driver.snapshot_create(&location, "now"), forbidden, &image);
    refusal(driver.snapshot_delete(&location, "then"), forbidden, &image);
    let new = fresh("volumes");
    let mut place = location.clone();
    place.0["image"] = json!(new.split_once('/').unwrap().1);
    let create = driver.open(&request(&place, Access::Create { size_bytes: MIB }));
    refusal(create, forbidden, &new);
    assert_eq!(fingerprint(), before);
    assert_eq!(scene.probe(&new).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn without_users_there_are_only_reads() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    scene.snapshot(&image, "then");
    let driver = driver_with(json!({"clusters": [{"conf": scene.cluster["conf"]}]}));
    let can = driver.capabilities();
    assert_eq!((can.snapshots, can.write, can.create), (false, false, false));
    let location = driver.probe(&disk(&image)).unwrap().unwrap().location;
    assert_eq!(driver.snapshot_list(&location).unwrap(), ["then"]);
    let create = driver.snapshot_create(&location, "now");
    refusal(create, ErrorKind::Forbidden, "snapshot_user");
    let write = driver.open(&request(&location, Access::Writable));
    refusal(write, ErrorKind::Unsupported, "write_user");
    let disk = driver.open(&request(&location, Access::ReadOnly)).unwrap();
    assert_eq!(read(&*disk, 0, 512).unwrap(), [0; 512]);
    disk.close().unwrap();
}

#[test]
fn a_keyring_is_taken_from_where_it_is_told() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    let folder = tempfile::tempdir().unwrap();
    let conf = scene.cluster["conf"].as_str().unwrap();
    let keyring = folder.path().join("key");
    std::fs::copy(conf.replace("ceph.conf", "ceph.client.firn-backup.keyring"), &keyring).unwrap();
    // A conf that says nothing of keyrings.
    let text = std::fs::read_to_string(conf).unwrap();
    let bare = folder.path().join("bare.conf");
    std::fs::write(&bare, text.split("[client]").next().unwrap()).unwrap();
    let settings = json!({"conf": bare, "keyring": keyring});
    let driver = driver_with(json!({"clusters": [settings]}));
    assert_eq!(driver.probe(&disk(&image)).unwrap().unwrap().size_bytes, MIB);
}

/// Clusters that appear in a folder while the driver runs; one of them is configured by itself, too.
#[test]
fn a_folder_of_clusters_is_read_when_it_is_asked_for() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    let folder = tempfile::tempdir().unwrap();
    let nowhere = json!({"conf": "/nowhere/ceph.conf"});
    let of_folder = json!({"conf": folder.path()});
    let driver =
        driver_with(json!({"clusters": [nowhere, of_folder], "connect_timeout_seconds": 5}));
    refusal(driver.probe(&disk(&image)), ErrorKind::NotFound, "/nowhere/ceph.conf");
    let conf = scene.cluster["conf"].as_str().unwrap();
    std::fs::write(folder.path().join("ceph.conf.new"), "[global]\nfsid = 1\n").unwrap();
    let keyring = folder.path().join("client.firn-backup.keyring");
    std::fs::copy(conf.replace("ceph.conf", "ceph.client.firn-backup.keyring"), &keyring).unwrap();
    // As a conductor writes what agents tell.
    let text = std::fs::read_to_string(conf).unwrap();
    let mon_host = CephConf::parse(&text).mon_host;
    let told = format!(
        "[global]\nfsid = {}\nmon_host = {mon_host}\nkeyring = /nowhere/$cluster.$name,{}/$name.keyring\n",
        scene.fsid(),
        folder.path().display()
    );
    std::fs::write(folder.path().join("a.conf"), &told).unwrap();
    let found = driver.probe(&disk(&image)).unwrap().unwrap();
    assert_eq!(found.location.0["fsid"], scene.fsid());
    // A second cluster: the domain's monitors say which.
    std::fs::write(folder.path().join("b.conf"), "[global]\nfsid = b\nmon_host = 10.0.0.1\n")
        .unwrap();
    refusal(driver.probe(&disk(&image)), ErrorKind::NotFound, "no monitors");
    let monitors = scene.cluster["monitors"][0].as_str().unwrap();
    assert!(driver.probe(&disk_at(&image, &[monitors])).unwrap().is_some());
    // The same cluster twice is no second one.
    let twice = driver_with(json!({"clusters": [cluster_config(&scene.cluster), of_folder]}));
    assert!(twice.probe(&disk_at(&image, &[monitors])).unwrap().is_some());
}

#[test]
fn users_and_places_that_are_not_there() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    let probe = |settings: Value| driver_with(settings).probe(&disk(&image));
    let user = with(&scene, |cluster| cluster["user"] = json!("nobody"));
    refusal(probe(user), ErrorKind::Forbidden, "client.nobody");
    // A user without its right key.
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("key");
    let key = "AQBZZZZZZZZZZxAAZZZZZZZZZZZZZZZZZZZZZQ==";
    std::fs::write(&keyring, format!("[client.firn-backup]\nkey = {key}\n")).unwrap();
    let wrong = probe(with(&scene, |cluster| cluster["keyring"] = json!(keyring)));
    let error = wrong.unwrap_err();
    assert!(!format!("{error:?}").contains(key), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    let conf = with(&scene, |cluster| cluster["conf"] = json!("/nowhere/ceph.conf"));
    refusal(probe(conf), ErrorKind::NotFound, "/nowhere/ceph.conf");

    let absent = |path: &str| scene.driver.probe(&disk(path));
    refusal(absent("nowhere/a"), ErrorKind::NotFound, "nowhere");
    refusal(absent("volumes/nowhere/a"), ErrorKind::NotFound, "volumes/nowhere/a");
    refusal(absent("volumes/a\0b"), ErrorKind::InvalidInput, "zero byte");
}

#[test]
fn a_protected_snapshot_stays() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    let location = scene.probe(&image).unwrap().location;
    scene.driver.snapshot_create(&location, "then").unwrap();
    scene.peer.snapshot(&image, "protect_snap", &["then"]);
    let delete = scene.driver.snapshot_delete(&location, "then");
    refusal(delete, ErrorKind::Conflict, "then");
    scene.peer.snapshot(&image, "unprotect_snap", &["then"]);
    scene.driver.snapshot_delete(&location, "then").unwrap();
}

/// A VM that runs makes the snapshot for us, and goes on.
#[test]
fn a_running_vm_is_no_obstacle_to_snapshots() {
    let scene = Scene::shared();
    let image = scene.image(MIB);
    scene.peer.order(json!({"do": "hold", "image": image}));
    let location = scene.probe(&image).unwrap().location;
    // The holder answers from its own threads.
    scene.driver.snapshot_create(&location, "now").unwrap();
    assert_eq!(scene.driver.snapshot_list(&location).unwrap(), ["now"]);
    scene.driver.snapshot_delete(&location, "now").unwrap();
    assert!(scene.probe(&image).unwrap().in_use);
    scene.peer.order(json!({"do": "let_go", "image": image}));
}
