//! Removing images: what goes with one, and what keeps it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{MIB, Scene, cluster_config, disk, driver_with};
use firn_driver_sdk::{Driver, ErrorKind, Location};
use serde_json::json;

const OURS: &str = "backup.7.snap.";

/// An image with a snapshot of ours, one of which is called as the other begins.
fn image_with_base(scene: &Scene) -> (String, Location) {
    let image = scene.image(8 * MIB);
    scene.peer.write(&image, MIB, b"firn");
    for name in ["backup.7.snap.1", "backup.7.snap.11"] {
        scene.snapshot(&image, name);
    }
    let location = scene.probe(&image).unwrap().location;
    (image, location)
}

/// Refuses with these words, and changes nothing at all.
fn refuses(scene: &Scene, image: &str, location: &Location, words: &str) {
    let fingerprint = || scene.peer.order(json!({"do": "fingerprint", "image": image}));
    let before = fingerprint();
    let error = scene.driver.remove(location, OURS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.message().contains(words) && error.message().contains(image), "{error}");
    assert_eq!(fingerprint(), before);
}

fn removes(scene: &Scene, image: &str, location: &Location) {
    scene.driver.remove(location, OURS).unwrap();
    assert_eq!(scene.probe(image).unwrap_err().kind(), ErrorKind::NotFound);
    scene.driver.remove(location, OURS).unwrap();
}

#[test]
fn what_a_vm_uses_stays() {
    let scene = Scene::shared();
    let (image, location) = image_with_base(&scene);
    scene.peer.order(json!({"do": "hold", "image": image}));
    refuses(&scene, &image, &location, "in use");
    scene.peer.order(json!({"do": "let_go", "image": image}));
    removes(&scene, &image, &location);
}

#[test]
fn a_snapshot_of_somebody_else_keeps_all() {
    let scene = Scene::shared();
    let (image, location) = image_with_base(&scene);
    // Nova's own, and a base of Cinder's backup service or of another disk.
    for name in ["nova-resize", "backup.8.snap.1"] {
        scene.snapshot(&image, name);
        refuses(&scene, &image, &location, name);
        scene.peer.snapshot(&image, "remove_snap", &[name]);
    }
    removes(&scene, &image, &location);
}

#[test]
fn a_protected_snapshot_and_its_clones_keep_all() {
    let scene = Scene::shared();
    let (image, location) = image_with_base(&scene);
    let (base, clone) = ("backup.7.snap.1", scene.fresh());
    scene.peer.snapshot(&image, "protect_snap", &[base]);
    let order = json!({"do": "clone", "list": [image, base, clone], "clone_format": 1});
    scene.peer.order(order);
    refuses(&scene, &image, &location, "protected");
    scene.peer.order(json!({"do": "remove", "image": clone}));
    refuses(&scene, &image, &location, "protected");
    scene.peer.snapshot(&image, "unprotect_snap", &[base]);
    removes(&scene, &image, &location);
}

/// These need no protected snapshot: librbd would hide it, and fail on the image.
#[test]
fn clones_of_format_2_keep_all() {
    let scene = Scene::shared();
    let (image, location) = image_with_base(&scene);
    let (base, clone) = ("backup.7.snap.11", scene.fresh());
    let order = json!({"do": "clone", "list": [image, base, clone], "clone_format": 2});
    scene.peer.order(order);
    refuses(&scene, &image, &location, "clones");
    // The one snapshot is gone to people, and stays for the clone.
    scene.peer.snapshot(&image, "remove_snap", &[base]);
    refuses(&scene, &image, &location, "clones");
    scene.peer.order(json!({"do": "remove", "image": clone}));
    removes(&scene, &image, &location);
}

/// As Nova's disks are: clones of images, also of such that others use.
#[test]
fn a_clone_goes_and_its_parent_stays() {
    let scene = Scene::shared();
    for format in [1, 2] {
        let parent = scene.image(8 * MIB);
        scene.snapshot(&parent, "snap");
        scene.peer.snapshot(&parent, "protect_snap", &["snap"]);
        let clone = scene.fresh();
        let order = json!({"do": "clone", "list": [parent, "snap", clone], "clone_format": format});
        scene.peer.order(order);
        scene.snapshot(&clone, "backup.7.snap.1");
        let location = scene.probe(&clone).unwrap().location;
        removes(&scene, &clone, &location);
        // Nothing depends on the parent any more.
        scene.peer.snapshot(&parent, "unprotect_snap", &["snap"]);
    }
}

/// The cluster refuses, or there is nobody to ask as.
#[test]
fn the_users_that_do_not_write_remove_nothing() {
    let scene = Scene::shared();
    let (image, location) = image_with_base(&scene);
    for (change, kind) in
        [(json!(null), ErrorKind::Unsupported), (json!("firn-backup"), ErrorKind::Forbidden)]
    {
        let mut cluster = cluster_config(&scene.cluster);
        cluster["write_user"] = change;
        let driver = driver_with(json!({"clusters": [cluster]}));
        assert_eq!(driver.capabilities().remove, kind != ErrorKind::Unsupported);
        let error = driver.remove(&location, OURS).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(scene.driver.snapshot_list(&location).unwrap().len(), 2);
    assert!(scene.driver.probe(&disk(&image)).unwrap().is_some());
}
