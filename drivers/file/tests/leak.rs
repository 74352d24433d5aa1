//! Alone in its file: it counts what this process holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs;

use common::*;

#[test]
fn fifty_disks_opened_and_closed_leave_nothing() {
    let folder = folder();
    let (flat, image) = (folder.path().join("disk.raw"), folder.path().join("disk.qcow2"));
    fs::write(&flat, pattern(MIB as usize, 1)).unwrap();
    run("qemu-img", &["convert", "-f", "raw", "-O", "qcow2", text(&flat), text(&image)]);
    let driver = driver(folder.path());
    let cycle = |turn: usize| {
        for location in [raw(&flat), qcow2(&image)] {
            let disk = open(&driver, &location).unwrap();
            assert_eq!(read(&*disk, 0, 512), pattern(512, 1));
            if turn.is_multiple_of(2) {
                disk.close().unwrap();
            }
        }
    };
    let held = || {
        let count = |path| fs::read_dir(path).unwrap().count();
        let children = nbd_children(std::process::id()).len();
        (count("/proc/self/fd"), children, count(folder.path().to_str().unwrap()))
    };
    cycle(0);
    let before = held();
    for turn in 0..50 {
        cycle(turn);
    }
    assert_eq!(held(), before);
    assert_eq!(before.1, 0);
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    wait_until("the keepers' threads end", || threads() <= 3);
}
