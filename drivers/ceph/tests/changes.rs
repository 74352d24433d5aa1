//! What is told as changed, against two reads compared.
#![allow(clippy::unwrap_used)]

mod common;

use common::{KIB, MIB, Random, Scene, allocated, assert_same, difference, fresh, read_all};
use firn_driver_sdk::{DriverError, ErrorKind, Extent, ExtentList};
use serde_json::json;

/// A snapshot that a backup read.
struct Point {
    snapshot: String,
    token: String,
    content: Vec<u8>,
}

/// One image and its backups.
struct History<'a> {
    scene: &'a Scene,
    image: String,
    size_bytes: u64,
    /// Whether administrators give the image other sizes.
    resizes: bool,
    random: Random,
    points: Vec<Point>,
    /// Snapshots of others.
    others: Vec<String>,
}

impl<'a> History<'a> {
    fn new(scene: &'a Scene, image: String, size_bytes: u64, seed: u64) -> Self {
        let (random, points, others) = (Random(seed), Vec::new(), Vec::new());
        Self { scene, image, size_bytes, resizes: true, random, points, others }
    }

    /// What a guest or an administrator does.
    fn happen(&mut self) {
        let offset = self.random.below(self.size_bytes - 600 * KIB);
        let length = 1 + self.random.below(600 * KIB);
        let (peer, image) = (&self.scene.peer, &self.image);
        match self.random.below(if self.resizes { 14 } else { 12 }) {
            0..6 => {
                let data = self.random.bytes(length as usize);
                peer.write(image, offset, &data);
            }
            6..8 => {
                // Whole objects, so that some are removed.
                let start = offset / MIB * MIB;
                let most = self.size_bytes - start;
                let length = (2 * MIB).min(most);
                peer.order(json!({"do": "discard", "list": [image, start, length]}));
            }
            8 => {
                peer.order(json!({"do": "discard", "list": [image, offset, length]}));
            }
            9..11 => {
                let name = format!("other-{}", self.random.next());
                self.scene.snapshot(image, &name);
                self.others.push(name);
            }
            11 => {
                if let Some(name) = self.others.pop() {
                    peer.snapshot(image, "remove_snap", &[&name]);
                }
            }
            _ => {
                self.size_bytes = 4 * MIB + self.random.below(10 * MIB) / 512 * 512;
                peer.order(json!({"do": "resize", "image": image, "size": self.size_bytes}));
            }
        }
    }

    /// A backup: the newest snapshot, compared with all before.
    fn back_up(&mut self) {
        let snapshot = format!("backup-{}", self.points.len());
        self.scene.snapshot(&self.image, &snapshot);
        let disk = self.scene.open(&self.image, &snapshot);
        let content = self.scene.peer.read(&self.image, Some(&snapshot));
        assert_same(&read_all(&*disk), &content);
        let whole = ExtentList::whole(content.len() as u64);
        let zeros = vec![0; content.len()];
        assert!(allocated(&*disk).contains_all(&difference(&zeros, &content)));
        for point in &self.points {
            let changed = disk.extents_changed(&point.token).unwrap();
            let missed = difference(&point.content, &content).intersection(&whole);
            let missed = missed.difference(&changed);
            let ends = (missed.as_slice().first(), missed.as_slice().last());
            assert!(missed.is_empty(), "from {} to {snapshot}: {ends:?}", point.snapshot);
            assert!(whole.contains_all(&changed));
        }
        let token = disk.change_token().unwrap().unwrap();
        assert!(disk.extents_changed(&token).unwrap().is_empty());
        disk.close().unwrap();
        self.points.push(Point { snapshot, token, content });
    }

    fn go_on(&mut self, rounds: u64) {
        for _ in 0..rounds {
            for _ in 0..self.random.below(7) {
                self.happen();
            }
            self.back_up();
        }
    }

    /// The newest backup's snapshot, opened.
    fn newest(&self) -> Box<dyn firn_driver_sdk::Disk> {
        self.scene.open(&self.image, &self.points.last().unwrap().snapshot)
    }
}

fn made(scene: &Scene, features: &[&str]) -> String {
    let image = fresh("volumes");
    let size = 12 * MIB;
    let order = json!({
        "do": "make", "image": image, "size": size, "order": 20, "features": features,
    });
    scene.peer.order(order);
    image
}

const ALL: &[&str] = &["layering", "exclusive_lock", "object_map", "fast_diff", "deep_flatten"];

#[test]
fn with_an_object_map() {
    let scene = Scene::shared();
    for seed in 0..4 {
        let mut history = History::new(&scene, made(&scene, ALL), 12 * MIB, seed);
        history.resizes = false;
        history.go_on(6);
    }
}

#[test]
fn of_an_image_that_changes_its_size() {
    let scene = Scene::shared();
    for seed in 200..204 {
        History::new(&scene, made(&scene, ALL), 12 * MIB, seed).go_on(6);
    }
}

#[test]
fn without_an_object_map() {
    let scene = Scene::shared();
    for seed in 100..102 {
        History::new(&scene, made(&scene, &["layering"]), 12 * MIB, seed).go_on(6);
    }
}

#[test]
fn with_an_object_map_that_is_marked_as_wrong() {
    let scene = Scene::shared();
    let mut history = History::new(&scene, made(&scene, ALL), 12 * MIB, 20);
    history.go_on(3);
    scene.peer.order(json!({"do": "invalidate", "image": history.image}));
    let flags = || scene.peer.order(json!({"do": "flags", "image": history.image}));
    assert_eq!(flags(), 3);
    history.go_on(3);
}

#[test]
fn of_a_clone_that_is_flattened_later() {
    let scene = Scene::shared();
    for seed in 300..303 {
        let parent = made(&scene, ALL);
        let data = Random(seed).bytes(9_000_000);
        scene.peer.write(&parent, 300_000, &data);
        scene.snapshot(&parent, "snap");
        let child = fresh("vms");
        scene.peer.order(json!({"do": "clone", "list": [parent, "snap", child]}));
        let mut history = History::new(&scene, child, 12 * MIB, seed);
        history.go_on(4);
        scene.peer.order(json!({"do": "flatten", "image": history.image}));
        history.go_on(2);
    }
}

/// Cut off and grown again, a clone has zeros where its parent showed through.
#[test]
fn of_a_clone_whose_parent_is_cut_off() {
    let scene = Scene::shared();
    let parent = made(&scene, ALL);
    scene.peer.write(&parent, 0, &Random(40).bytes((12 * MIB) as usize));
    scene.snapshot(&parent, "snap");
    let child = fresh("vms");
    scene.peer.order(json!({"do": "clone", "list": [parent, "snap", child]}));
    let mut history = History::new(&scene, child, 12 * MIB, 40);
    history.back_up();
    for size in [5 * MIB + 512, 12 * MIB] {
        scene.peer.order(json!({"do": "resize", "image": history.image, "size": size}));
    }
    history.back_up();
    let newest = &history.points[1].content;
    assert!(newest[(6 * MIB) as usize..].iter().all(|byte| *byte == 0));
}

/// librbd 16's comparison of object maps misses just this.
#[test]
fn of_an_image_that_was_smaller_in_between() {
    let scene = Scene::shared();
    let mut history = History::new(&scene, made(&scene, ALL), 12 * MIB, 45);
    scene.peer.write(&history.image, 8 * MIB, &[1; 4096]);
    history.back_up();
    for size in [6 * MIB, 12 * MIB] {
        scene.peer.order(json!({"do": "resize", "image": history.image, "size": size}));
        history.back_up();
    }
}

#[test]
fn no_more_than_was_written() {
    let scene = Scene::shared();
    let mut history = History::new(&scene, made(&scene, ALL), 12 * MIB, 50);
    scene.peer.write(&history.image, 0, &Random(50).bytes((12 * MIB) as usize));
    history.back_up();
    scene.peer.write(&history.image, 3 * MIB + 4 * KIB, &[1; 8192]);
    history.back_up();
    let changed = history.newest().extents_changed(&history.points[0].token).unwrap();
    assert_eq!(changed.as_slice(), [Extent::new(3 * MIB + 4 * KIB, 8 * KIB)]);
    // Of the image itself changes can be told too, but it is no base.
    let head = scene.open_head(&history.image);
    assert!(head.extents_changed(&history.points[1].token).unwrap().is_empty());
    assert_eq!(head.change_token().unwrap(), None);
    head.close().unwrap();
}

fn kind<T>(result: Result<T, DriverError>) -> ErrorKind {
    result.err().unwrap().kind()
}

#[test]
fn a_base_that_is_not_the_same_any_more() {
    let scene = Scene::shared();
    let mut history = History::new(&scene, made(&scene, ALL), 12 * MIB, 60);
    history.back_up();
    scene.peer.write(&history.image, 0, &[1; 512]);
    history.back_up();
    let (image, tokens) =
        (history.image.clone(), [0, 1].map(|at| history.points[at].token.clone()));
    let call = |call: &str, names: &[&str]| scene.peer.snapshot(&image, call, names);

    // An older one is no later point.
    let older = scene.open(&image, "backup-0");
    assert_eq!(kind(older.extents_changed(&tokens[1])), ErrorKind::Conflict);
    older.close().unwrap();
    // Another name changes nothing.
    call("rename_snap", &["backup-0", "backup.0.snap.1"]);
    let disk = history.newest();
    let first = [Extent::new(0, 512)];
    assert_eq!(disk.extents_changed(&tokens[0]).unwrap().as_slice(), first);
    // It goes while the newer one is open.
    call("remove_snap", &["backup.0.snap.1"]);
    assert_eq!(kind(disk.extents_changed(&tokens[0])), ErrorKind::NotFound);
    disk.close().unwrap();
    // Another of its old name is not it.
    call("create_snap", &["backup-0"]);
    assert_eq!(kind(history.newest().extents_changed(&tokens[0])), ErrorKind::NotFound);
    let again = scene.open(&image, "backup-0");
    assert_eq!(kind(again.extents_changed(&tokens[0])), ErrorKind::NotFound);
    again.close().unwrap();

    // Another image of the same name, with a snapshot of the same name.
    for name in ["backup-0", "backup-1"] {
        call("remove_snap", &[name]);
    }
    scene.peer.order(json!({"do": "remove", "image": image}));
    scene.peer.order(json!({"do": "make", "image": image, "size": 12 * MIB}));
    call("create_snap", &["backup-1"]);
    assert_eq!(kind(history.newest().extents_changed(&tokens[1])), ErrorKind::Conflict);
}
