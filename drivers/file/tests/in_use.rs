//! Disks that a running machine has open, by QEMU's own locks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs;

use common::*;
use firn_driver_sdk::{DiskLocation, ErrorKind};

#[test]
fn a_running_machine_s_disk_is_refused_and_told() {
    let folder = folder();
    let driver = driver(folder.path());
    let (flat, image) = (folder.path().join("disk.raw"), folder.path().join("disk.qcow2"));
    fs::write(&flat, vec![1; MIB as usize]).unwrap();
    run("qemu-img", &["create", "-f", "qcow2", text(&image), "1M"]);
    let disks: [(_, DiskLocation); 2] = [(&flat, raw(&flat)), (&image, qcow2(&image))];
    for (path, location) in disks {
        let vm = running_vm(path, false);
        assert!(probe(&driver, &location).unwrap().in_use);
        let error = open(&driver, &location).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.message().contains("shut it down"), "{error}");
        drop(vm);
        assert!(!probe(&driver, &location).unwrap().in_use);
        open(&driver, &location).unwrap().close().unwrap();

        // A machine that only reads it is no obstacle, nor another backup.
        let reader = running_vm(path, true);
        assert!(!probe(&driver, &location).unwrap().in_use);
        let one = open(&driver, &location).unwrap();
        let two = open(&driver, &location).unwrap();
        one.close().unwrap();
        two.close().unwrap();
        drop(reader);
    }
}

#[test]
fn a_machine_cannot_start_while_its_disk_is_read() {
    let folder = folder();
    let driver = driver(folder.path());
    let (base, image) = (folder.path().join("base.raw"), folder.path().join("disk.qcow2"));
    fs::write(&base, vec![1; MIB as usize]).unwrap();
    run("qemu-img", &["create", "-f", "qcow2", "-b", "base.raw", "-F", "raw", text(&image)]);
    for (path, format, location) in [
        (&base, "raw", raw(&base)),
        (&image, "qcow2", qcow2(&image)),
        (&base, "raw", qcow2(&image)),
    ] {
        let write = ["-f", format, "-c", "write -P 5 0 64k", text(path)];
        let disk = open(&driver, &location).unwrap();
        let refused = command("qemu-io").args(write).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("lock"), "{said}");
        disk.close().unwrap();
        drop(disk);
        run("qemu-io", &write);
    }
}

#[test]
fn a_backing_file_in_use_makes_the_disk_in_use() {
    let folder = folder();
    let driver = driver(folder.path());
    let (base, image) = (folder.path().join("base.qcow2"), folder.path().join("disk.qcow2"));
    run("qemu-img", &["create", "-f", "qcow2", text(&base), "1M"]);
    run("qemu-img", &["create", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", text(&image)]);
    let _vm = running_vm(&base, false);
    assert!(probe(&driver, &qcow2(&image)).unwrap().in_use);
    assert_eq!(open(&driver, &qcow2(&image)).err().unwrap().kind(), ErrorKind::Conflict);
}
