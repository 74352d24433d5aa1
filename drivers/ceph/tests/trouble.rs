//! A cluster that dies, hangs or shuts us out, each on a cluster of the test's own.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{MIB, Random, Scene, assert_same, cluster_config, disk, driver_with, read, read_all};
use firn_driver_sdk::{Access, Disk, Driver, DriverError, ErrorKind, Extent, OpenRequest};
use firn_ground::Server;
use serde_json::{Value, json};

const SIZE: u64 = 32 * MIB;

/// On a disk, which may be asked for what changed since a token.
type Call = fn(&dyn Disk, &str) -> Result<(), DriverError>;

/// The OSD alone obeys orders. The image has two snapshots with the same content.
fn start() -> (Server, Scene, String, Vec<u8>) {
    let server = Server::start_with("ceph", &["orders.daemons=osd"]);
    let scene = Scene::on(server.info());
    let image = scene.image(SIZE);
    let content = Random(1).bytes(SIZE as usize);
    scene.peer.write(&image, 0, &content);
    scene.snapshot(&image, "before");
    scene.snapshot(&image, "then");
    (server, scene, image, content)
}

/// A disk of a driver of its own with this timeout.
fn open(scene: &Scene, image: &str, seconds: u64) -> Arc<dyn Disk> {
    let driver = driver_with(json!({
        "clusters": [cluster_config(&scene.cluster)],
        "osd_timeout_seconds": seconds,
        "mon_timeout_seconds": 5,
        "connect_timeout_seconds": 5,
    }));
    let location = driver.probe(&disk(image)).unwrap().unwrap().location;
    let request =
        OpenRequest { location, snapshot: Some("then".to_owned()), access: Access::ReadOnly };
    driver.open(&request).unwrap().into()
}

#[test]
fn the_osd_dies_and_comes_back_and_we_are_shut_out() {
    let (mut server, scene, image, content) = start();
    let disk = open(&scene, &image, 60);
    let rounds = AtomicUsize::new(0);
    let enough = AtomicUsize::new(usize::MAX);
    thread::scope(|scope| {
        scope.spawn(|| {
            while rounds.load(Ordering::Acquire) < enough.load(Ordering::Acquire) {
                assert_same(&read_all(&*disk), &content);
                rounds.fetch_add(1, Ordering::AcqRel);
            }
        });
        server.kill();
        server.start_again();
        // What runs now, and one that began after it.
        enough.store(rounds.load(Ordering::Acquire) + 2, Ordering::Release);
    });

    // This connection never works again; another does.
    for address in addresses(&scene, "client.firn-backup") {
        let add = json!({"prefix": "osd blocklist", "blocklistop": "add", "addr": address});
        scene.peer.command(add);
    }
    assert_same(&read_all(&*disk), &content);
    let whole = disk.extents_allocated(Extent::new(0, SIZE)).unwrap();
    assert_eq!(whole.bytes(), SIZE);
    disk.close().unwrap();
}

/// A conductor's driver lives as long as the conductor.
#[test]
fn a_driver_that_was_shut_out_works_on() {
    let (_server, scene, image, _) = start();
    let location = scene.probe(&image).unwrap().location;
    scene.driver.snapshot_create(&location, "first").unwrap();
    for user in ["client.firn-backup", "client.firn-snapshot"] {
        for address in addresses(&scene, user) {
            let add = json!({"prefix": "osd blocklist", "blocklistop": "add", "addr": address});
            scene.peer.command(add);
        }
    }
    scene.driver.snapshot_create(&location, "second").unwrap();
    let names = scene.driver.snapshot_list(&location).unwrap();
    assert_eq!(names, ["before", "then", "first", "second"]);
    assert_eq!(scene.probe(&image).unwrap().location, location);
    for name in ["first", "second"] {
        scene.driver.snapshot_delete(&location, name).unwrap();
    }
}

/// Of the connections that the monitor has with a user.
fn addresses(scene: &Scene, user: &str) -> Vec<String> {
    let conf = scene.cluster["conf"].as_str().unwrap();
    let asked = ["-c", conf, "tell", "mon.a", "sessions", "--format", "json"];
    let answer = Command::new("/usr/bin/ceph").args(asked).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let sessions: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let of_user = sessions.as_array().unwrap().iter().filter(|one| one["entity_name"] == user);
    let found: Vec<_> = of_user
        .map(|one| {
            let address = &one["addrs"]["addrvec"][0];
            format!("{}/{}", address["addr"].as_str().unwrap(), address["nonce"])
        })
        .collect();
    assert!(!found.is_empty(), "{sessions}");
    found
}

#[test]
fn the_osd_hangs() {
    let (mut server, scene, image, content) = start();
    // With these timeouts only a cancel ends a call.
    let patient = open(&scene, &image, 3000);
    let impatient = open(&scene, &image, 2);
    let before = scene.open(&image, "before");
    let token = before.change_token().unwrap().unwrap();
    before.close().unwrap();
    server.freeze();

    let (ended, ends) = mpsc::channel();
    let calls: [Call; 2] = [
        |disk, _| read(disk, 0, SIZE as usize).map(drop),
        |disk, token| disk.extents_changed(token).map(drop),
    ];
    for call in calls {
        let (disk, ended, token) = (Arc::clone(&patient), ended.clone(), token.clone());
        thread::spawn(move || {
            let r = call(&*disk, &token);
            eprintln!("{:?} {r:?}", call as *const ());
            drop(ended.send(r))
        });
    }
    let early = ends.recv_timeout(Duration::from_millis(500));
    assert!(early.is_err(), "a call does not hang: {early:?}");
    patient.cancel();
    for _ in calls {
        let error = ends.recv_timeout(Duration::from_secs(10)).unwrap().unwrap_err();
        assert!(error.is_cancelled(), "{error}");
    }
    // What is in flight is left behind.
    patient.close().unwrap();
    drop(patient);

    let error = read(&*impatient, 0, SIZE as usize).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    server.thaw();
    assert_same(&read_all(&*impatient), &content);
    impatient.close().unwrap();
    let again = scene.open(&image, "then");
    assert_same(&read_all(&*again), &content);
    again.close().unwrap();
}
