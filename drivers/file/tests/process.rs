//! The qemu-nbd child: it never outlives its disk or this process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use firn_driver_sdk::{ErrorKind, Extent, ReadRequest};

const HOLD: &str = "FIRN_TEST_HOLD";

/// The qemu-nbd processes that have a file of the folder open.
fn users(folder: &Path) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let uses = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let files = fs::read_dir(format!("/proc/{pid}/fd"));
        name.starts_with("qemu-nbd")
            && files.is_ok_and(|files| {
                files.flatten().any(|file| {
                    fs::read_link(file.path()).is_ok_and(|link| link.starts_with(folder))
                })
            })
    };
    pids.filter(uses).collect()
}

fn socket_folders(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_str().unwrap().starts_with("firn-nbd-")).count()
}

/// Compressed, so that only QEMU can read it.
fn image(folder: &Path) -> std::path::PathBuf {
    let (source, image) = (folder.join("source.raw"), folder.join("disk.qcow2"));
    fs::write(&source, vec![1; 32 * MIB as usize]).unwrap();
    run("qemu-img", &["convert", "-c", "-f", "raw", "-O", "qcow2", text(&source), text(&image)]);
    image
}

fn signal(name: &str, pid: u32) {
    run("kill", &[name, &pid.to_string()]);
}

/// Not a test by itself: the process that the next test kills. Without its variable it opens
/// nothing.
#[test]
fn holder() {
    let Some(folder) = std::env::var_os(HOLD) else { return };
    let folder = Path::new(&folder);
    let driver = driver(folder);
    loop {
        let disk = open(&driver, &qcow2(&folder.join("disk.qcow2"))).unwrap();
        println!("opened");
        assert_eq!(read(&*disk, MIB, 4096), [1; 4096]);
        disk.close().unwrap();
    }
}

#[test]
fn killed_at_any_moment_nothing_is_left() {
    let folder = folder();
    image(folder.path());
    for turn in 0..12_u64 {
        let mut host = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "holder", "--nocapture", "--test-threads=1"])
            .env(HOLD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // After it has opened once it opens and closes on and on.
        let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("opened")));
        thread::sleep(Duration::from_millis(turn * 7));
        host.kill().unwrap();
        host.wait().unwrap();
        wait_until("qemu-nbd dies", || users(folder.path()).is_empty());
    }
    // A new driver takes away what the kills may have left of the sockets.
    wait_until("leftovers are swept", || {
        drop(driver(folder.path()));
        socket_folders(folder.path()) == 0
    });
    let driver = driver(folder.path());
    open(&driver, &qcow2(&folder.path().join("disk.qcow2"))).unwrap().close().unwrap();
}

#[test]
fn the_thread_that_opened_may_end_before_the_disk() {
    let folder = folder();
    let image = image(folder.path());
    let driver = driver(folder.path());
    let disk = thread::scope(|scope| {
        scope.spawn(|| open(&driver, &qcow2(&image)).unwrap()).join().unwrap()
    });
    thread::sleep(Duration::from_millis(100));
    assert_eq!(users(folder.path()).len(), 1);
    assert_eq!(read(&*disk, 0, 100), [1; 100]);
    assert_eq!(socket_folders(folder.path()), 0, "the socket is gone once connected");
    // Dropped without close, the child goes all the same.
    drop(disk);
    assert!(users(folder.path()).is_empty());
}

#[test]
fn a_stuck_read_is_cancelled_within_seconds() {
    let folder = folder();
    let image = image(folder.path());
    let driver = driver(folder.path());
    let disk = open(&driver, &qcow2(&image)).unwrap();
    let [server] = users(folder.path())[..] else { panic!("one qemu-nbd") };
    signal("-STOP", server);
    thread::scope(|scope| {
        // More readers than connections, and one that asks for extents.
        let mut calls: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let mut buffer = vec![0; MIB as usize];
                    disk.read(&mut [ReadRequest { offset: 0, buffer: &mut buffer }])
                })
            })
            .collect();
        for _ in 0..2 {
            let ask = || disk.extents_allocated(Extent::new(0, MIB)).map(|_| ());
            calls.push(scope.spawn(ask));
        }
        thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        disk.cancel();
        for call in calls {
            assert!(call.join().unwrap().unwrap_err().is_cancelled());
        }
        assert!(start.elapsed() < Duration::from_secs(2));
    });
    let start = Instant::now();
    disk.close().unwrap();
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(users(folder.path()).is_empty());
}

#[test]
fn a_server_that_dies_is_an_error_and_no_hang() {
    let folder = folder();
    let image = image(folder.path());
    let driver = driver(folder.path());
    let disk = open(&driver, &qcow2(&image)).unwrap();
    let [server] = users(folder.path())[..] else { panic!("one qemu-nbd") };
    signal("-KILL", server);
    for _ in 0..6 {
        let mut buffer = vec![0; MIB as usize];
        let read = disk.read(&mut [ReadRequest { offset: 0, buffer: &mut buffer }]);
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let extents = disk.extents_allocated(Extent::new(0, MIB));
    assert_eq!(extents.unwrap_err().kind(), ErrorKind::Unavailable);
    disk.close().unwrap();
}

#[test]
fn a_long_runtime_folder_is_no_obstacle() {
    let folder = folder();
    let image = image(folder.path());
    let long = folder.path().join("x".repeat(200));
    fs::create_dir(&long).unwrap();
    let disk = open(&driver(&long), &qcow2(&image)).unwrap();
    assert_eq!(read(&*disk, 0, 100), [1; 100]);
    disk.close().unwrap();
}
