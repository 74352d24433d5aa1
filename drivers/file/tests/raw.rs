//! Raw files: reading, extents, creating, writing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};

use common::*;
use firn_driver_sdk::{Access, ErrorKind, Extent, ReadRequest};

#[test]
fn odd_sizes_are_read_whole_and_never_changed() {
    let folder = folder();
    let driver = driver(folder.path());
    for size in [1, 511, 512, 4097, 3 * MIB as usize + 1] {
        let path = folder.path().join("disk.raw");
        let content = pattern(size, size as u64);
        fs::write(&path, &content).unwrap();
        let before = trace(&[&path]);
        let disk = open(&driver, &raw(&path)).unwrap();
        assert_eq!(disk.size_bytes(), size as u64);
        assert_same(&read_all(&*disk), &content);
        let error = disk.write(0, b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert_eq!(disk.zero(Extent::new(0, 1)).unwrap_err().kind(), ErrorKind::Forbidden);
        disk.flush().unwrap();
        let mut one = [0];
        let beyond = disk.read(&mut [ReadRequest { offset: size as u64, buffer: &mut one }]);
        assert_eq!(beyond.unwrap_err().kind(), ErrorKind::InvalidInput);
        disk.close().unwrap();
        assert_eq!(trace(&[&path]), before);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn an_empty_file_is_a_disk_of_no_bytes() {
    let folder = folder();
    let path = folder.path().join("empty");
    fs::write(&path, b"").unwrap();
    let driver = driver(folder.path());
    let disk = open(&driver, &raw(&path)).unwrap();
    assert_eq!(disk.size_bytes(), 0);
    disk.read(&mut []).unwrap();
    assert!(allocated(&*disk).is_empty());
    disk.close().unwrap();
}

#[test]
fn holes_are_told_from_data() {
    let folder = folder();
    let path = folder.path().join("sparse.raw");
    let file = File::create(&path).unwrap();
    file.set_len(64 * MIB).unwrap();
    file.write_all_at(&pattern(64 << 10, 1), 5 * MIB).unwrap();
    file.write_all_at(&pattern(100, 2), 40 * MIB + 17).unwrap();
    file.sync_all().unwrap();
    let driver = driver(folder.path());
    let disk = open(&driver, &raw(&path)).unwrap();
    let data = allocated(&*disk);
    assert_zero_outside(&read_all(&*disk), &data);
    assert!(data.bytes() >= 64 * KIB + 100 && data.bytes() < MIB, "{data:?}");
    // A range that begins and ends inside data is cut there.
    let inside = Extent::new(5 * MIB + 10, 100);
    assert_eq!(disk.extents_allocated(inside).unwrap().as_slice(), [inside]);
    assert!(disk.extents_allocated(Extent::new(64 * MIB, 5)).unwrap().is_empty());
    disk.close().unwrap();
}

#[test]
fn a_new_disk_is_sparse_private_and_reads_what_was_written() {
    let folder = folder();
    let path = folder.path().join("new.raw");
    let driver = driver(folder.path());
    let size = 32 * MIB + 3;
    let create = Access::Create { size_bytes: size };
    let disk = open_as(&driver, &raw(&path), create).unwrap();
    let content = pattern(5 * MIB as usize, 3);
    disk.write(7 * MIB + 1, &content).unwrap();
    disk.zero(Extent::new(8 * MIB, 2 * MIB)).unwrap();
    let past = disk.write(size - 1, b"ab").unwrap_err();
    assert_eq!(past.kind(), ErrorKind::InvalidInput);
    disk.flush().unwrap();
    disk.close().unwrap();
    drop(disk);

    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), size);
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let mut expected = vec![0; size as usize];
    let at = 7 * MIB as usize + 1;
    expected[at..at + content.len()].copy_from_slice(&content);
    expected[8 * MIB as usize..10 * MIB as usize].fill(0);
    let disk = open(&driver, &raw(&path)).unwrap();
    assert_same(&read_all(&*disk), &expected);
    let data = allocated(&*disk);
    assert_zero_outside(&expected, &data);
    assert!(data.bytes() < 4 * MIB, "the zeroed part takes space: {data:?}");
    disk.close().unwrap();
    drop(disk);

    let again = open_as(&driver, &raw(&path), create).err().unwrap();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    assert_same(&fs::read(&path).unwrap(), &expected);
}

#[test]
fn an_existing_disk_is_written_in_place() {
    let folder = folder();
    let path = folder.path().join("old.raw");
    fs::write(&path, pattern(MIB as usize, 1)).unwrap();
    let driver = driver(folder.path());
    let disk = open_as(&driver, &raw(&path), Access::Writable).unwrap();
    assert!(probe(&driver, &raw(&path)).unwrap().in_use);
    disk.write(1000, b"new").unwrap();
    assert_eq!(read(&*disk, 1000, 3), b"new");
    // Nobody reads a disk that is being restored.
    assert_eq!(open(&driver, &raw(&path)).err().unwrap().kind(), ErrorKind::Conflict);
    disk.close().unwrap();
    drop(disk);
    assert!(open(&driver, &raw(&path)).is_ok());
}

#[test]
fn what_cannot_be_created() {
    let folder = folder();
    let driver = driver(folder.path());
    let kind = |path: &str, size_bytes| {
        let location = raw(&folder.path().join(path));
        open_as(&driver, &location, Access::Create { size_bytes }).err().unwrap().kind()
    };
    assert_eq!(kind("nowhere/disk.raw", 1), ErrorKind::NotFound);
    assert_ne!(kind("huge.raw", u64::MAX), ErrorKind::Internal);
    assert_ne!(kind("huge.raw", i64::MAX as u64), ErrorKind::Internal);
    assert!(!folder.path().join("huge.raw").exists());
    std::os::unix::fs::symlink("elsewhere", folder.path().join("link")).unwrap();
    assert_eq!(kind("link", 1), ErrorKind::Conflict);
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_change_while_reading_is_told_at_the_end() {
    let folder = folder();
    let path = folder.path().join("disk.raw");
    let driver = driver(folder.path());
    type Change = fn(&std::path::Path);
    let changes: [Change; 4] = [
        |path| File::options().write(true).open(path).unwrap().write_all_at(b"x", 9).unwrap(),
        |path| File::options().write(true).open(path).unwrap().set_len(100).unwrap(),
        |path| {
            let other = path.with_extension("other");
            fs::copy(path, &other).unwrap();
            fs::rename(other, path).unwrap();
        },
        |path| fs::remove_file(path).unwrap(),
    ];
    for change in changes {
        fs::write(&path, pattern(MIB as usize, 1)).unwrap();
        let disk = open(&driver, &raw(&path)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        change(&path);
        assert_eq!(disk.close().unwrap_err().kind(), ErrorKind::Conflict);
    }
}

#[test]
fn after_a_cancel_every_call_says_so() {
    let folder = folder();
    let path = folder.path().join("disk.raw");
    fs::write(&path, pattern(MIB as usize, 1)).unwrap();
    let driver = driver(folder.path());
    let disk = open(&driver, &raw(&path)).unwrap();
    disk.cancel();
    let mut buffer = [0; 10];
    let read = disk.read(&mut [ReadRequest { offset: 0, buffer: &mut buffer }]);
    assert!(read.unwrap_err().is_cancelled());
    assert!(disk.extents_allocated(Extent::new(0, 1)).unwrap_err().is_cancelled());
    disk.close().unwrap();
}

#[test]
fn a_raw_disk_is_never_taken_for_qcow2() {
    let folder = folder();
    let path = folder.path().join("guest.raw");
    // What a guest writes to the start of its own raw disk.
    run(
        "qemu-img",
        &[
            "create",
            "-f",
            "qcow2",
            "-o",
            "backing_file=/etc/shadow,backing_fmt=raw",
            "-u",
            text(&path),
            "1M",
        ],
    );
    let content = fs::read(&path).unwrap();
    let driver = driver(folder.path());
    let disk = open(&driver, &raw(&path)).unwrap();
    assert_eq!(disk.size_bytes(), content.len() as u64);
    assert_same(&read_all(&*disk), &content);
    disk.close().unwrap();
}
