//! Alone in its file: it counts what this process holds.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{MIB, Scene, read};
use firn_driver_sdk::{Access, Disk, ErrorKind};

fn count(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Files and threads of this process, once no more of them go.
fn held() -> (usize, usize) {
    (count("/proc/self/fd"), count("/proc/self/task"))
}

fn wait_for(before: (usize, usize)) {
    let end = Instant::now() + Duration::from_secs(30);
    while held() > before && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(held() <= before, "{:?} is more than {before:?}", held());
}

#[test]
fn disks_opened_cancelled_and_closed_leave_nothing() {
    let scene = Scene::shared();
    let image = scene.image(16 * MIB);
    scene.peer.write(&image, 0, &vec![7; (16 * MIB) as usize]);
    scene.snapshot(&image, "then");
    let cycle = |turn: usize| {
        let disk: Box<dyn Disk> = match turn % 3 {
            0 => scene.open_head(&image),
            1 => scene.open(&image, "then"),
            _ => scene.open_as(&image, None, Access::Writable).unwrap(),
        };
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| read(&*disk, 0, (16 * MIB) as usize));
            if turn.is_multiple_of(2) {
                disk.cancel();
            }
            let answer = reading.join().unwrap();
            assert!(answer.is_ok() || turn.is_multiple_of(2), "{answer:?}");
        });
        if turn.is_multiple_of(5) {
            disk.close().unwrap();
        }
    };
    for turn in 0..6 {
        cycle(turn);
    }
    let before = held();
    for turn in 0..60 {
        cycle(turn);
        // A writer that is left behind in flight keeps the next one out until it is closed.
        let in_use = || scene.probe(&image).map(|probe| probe.in_use);
        while in_use().unwrap() {
            std::thread::yield_now();
        }
    }
    wait_for(before);
    // And nobody is left who watches: the image can go.
    scene.peer.snapshot(&image, "remove_snap", &["then"]);
    scene.peer.order(serde_json::json!({"do": "remove", "image": image}));
    assert_eq!(scene.probe(&image).unwrap_err().kind(), ErrorKind::NotFound);
    drop(scene);
}
