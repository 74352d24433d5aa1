//! qcow2 images of every kind against what QEMU itself reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::*;
use firn_driver_sdk::{Access, ErrorKind, Extent, ImageFormat, OpenRequest, ReadRequest};

/// Reads the image through the driver, compares it with QEMU's own account, and sees that
/// nothing was changed.
fn check(folder: &Path, image: &Path, files: &[&Path]) {
    let driver = driver(folder);
    let expected = content_by_qemu(image);
    let before = trace(files);
    let disk = open(&driver, &qcow2(image)).unwrap();
    assert_same(&read_all(&*disk), &expected);
    let data = allocated(&*disk);
    assert_zero_outside(&expected, &data);
    let (third, size) = (disk.size_bytes() / 3 + 5, disk.size_bytes());
    let parts = [Extent::new(0, third), Extent::new(third, size - third)];
    let in_parts = parts.map(|part| disk.extents_allocated(part).unwrap());
    assert_eq!(in_parts[0].union(&in_parts[1]), data);
    disk.close().unwrap();
    assert_eq!(trace(files), before);
}

#[test]
fn versions_cluster_sizes_and_subclusters() {
    let folder = folder();
    let options = [
        "compat=0.10",
        "compat=1.1",
        "cluster_size=512",
        "cluster_size=4k",
        "cluster_size=2M",
        "extended_l2=on,cluster_size=128k",
        "lazy_refcounts=on",
        "refcount_bits=1",
    ];
    for option in options {
        let image = folder.path().join("disk.qcow2");
        run("qemu-img", &["create", "-f", "qcow2", "-o", option, text(&image), "20M"]);
        io(
            &image,
            &[
                "write -P 1 0 512",
                "write -P 2 3M 70k",
                "write -P 3 5000k 2M",
                "write -z 5100k 200k",
                "write -P 4 20479k 1k",
                "discard 6M 256k",
            ],
        );
        check(folder.path(), &image, &[&image]);
        fs::remove_file(image).unwrap();
    }
}

#[test]
fn sizes_that_are_no_whole_cluster() {
    let folder = folder();
    for size in ["512", "65024", "66048", "3146240"] {
        let image = folder.path().join("disk.qcow2");
        run("qemu-img", &["create", "-f", "qcow2", text(&image), size]);
        io(&image, &["write -P 9 0 512"]);
        check(folder.path(), &image, &[&image]);
        fs::remove_file(image).unwrap();
    }
}

#[test]
fn compressed_clusters() {
    let folder = folder();
    let source = folder.path().join("source.raw");
    let mut content = pattern(2 * MIB as usize, 5);
    content.extend(vec![7; 3 * MIB as usize]);
    content.extend(vec![0; MIB as usize]);
    fs::write(&source, &content).unwrap();
    for kind in ["zlib", "zstd"] {
        let image = folder.path().join("disk.qcow2");
        run(
            "qemu-img",
            &[
                "convert",
                "-c",
                "-f",
                "raw",
                "-O",
                "qcow2",
                "-o",
                &format!("compression_type={kind}"),
                text(&source),
                text(&image),
            ],
        );
        check(folder.path(), &image, &[&image]);
    }
}

#[test]
fn a_chain_of_three_with_sizes_and_formats_mixed() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (base, middle, top) = (path("base.raw"), path("middle.qcow2"), path("top.qcow2"));
    fs::write(&base, pattern(3 * MIB as usize + 512, 6)).unwrap();
    let create = |image: &Path, on: &str, format: &str, size: &str| {
        run("qemu-img", &["create", "-f", "qcow2", "-b", on, "-F", format, text(image), size]);
    };
    create(&middle, text(&base), "raw", "6M");
    io(&middle, &["write -P 5 1M 128k", "write -P 6 5M 64k"]);
    // A relative name, as libvirt's own snapshots write it.
    create(&top, "middle.qcow2", "qcow2", "8M");
    io(&top, &["write -P 7 1100k 64k", "write -z 2M 128k", "write -P 8 7M 1M"]);
    check(folder.path(), &top, &[&top, &middle, &base]);

    let driver = driver(folder.path());
    let found = probe(&driver, &qcow2(&top)).unwrap();
    assert_eq!((found.size_bytes, found.in_use, found.changed_blocks), (8 * MIB, false, false));
    assert!(found.storage.starts_with("file:"), "{}", found.storage);
    assert_eq!(found.location.0["backing"].as_array().unwrap().len(), 2);

    // A change below the top makes the backup void.
    let disk = open(&driver, &qcow2(&top)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::File::options().append(true).open(&base).unwrap().set_len(3 * MIB).unwrap();
    assert_eq!(disk.close().unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn an_external_data_file() {
    let folder = folder();
    let (image, data) = (folder.path().join("disk.qcow2"), folder.path().join("disk.data"));
    let option = format!("data_file={}", text(&data));
    run("qemu-img", &["create", "-f", "qcow2", "-o", &option, text(&image), "4M"]);
    io(&image, &["write -P 3 1M 100k"]);
    check(folder.path(), &image, &[&image, &data]);
    let hidden = folder.path().join("other");
    fs::create_dir(&hidden).unwrap();
    fs::rename(&image, hidden.join("disk.qcow2")).unwrap();
    let error = open(&driver(folder.path()), &qcow2(&hidden.join("disk.qcow2"))).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}

#[test]
fn encrypted_images_are_refused_with_a_reason() {
    let folder = folder();
    let image = folder.path().join("luks.qcow2");
    let options = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10";
    let make = || {
        let mut tool = command("qemu-img");
        tool.args(["create", "-f", "qcow2", "--object", "secret,id=s,data=xyz", "-o", options]);
        tool.arg(&image).arg("1M").output().unwrap().status.success()
    };
    // It measures the machine's speed and gives up on a busy one.
    assert!((0..50).any(|_| make()), "qemu-img cannot make an encrypted image");
    let error = probe(&driver(folder.path()), &qcow2(&image)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("encryption"), "{error}");
}

#[test]
fn only_reading_without_a_snapshot() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    run("qemu-img", &["create", "-f", "qcow2", text(&image), "1M"]);
    let driver = driver(folder.path());
    for access in [Access::Writable, Access::Create { size_bytes: 5 }] {
        let error = open_as(&driver, &qcow2(&image), access).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    use firn_driver_sdk::Driver;
    let location = probe(&driver, &qcow2(&image)).unwrap().location;
    let request = OpenRequest { location, snapshot: Some("s".into()), access: Access::ReadOnly };
    assert_eq!(driver.open(&request).err().unwrap().kind(), ErrorKind::Unsupported);
    let disk = open(&driver, &qcow2(&image)).unwrap();
    assert_eq!(disk.write(0, b"x").unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(disk.zero(Extent::new(0, 1)).unwrap_err().kind(), ErrorKind::Forbidden);
    let mut one = [0];
    let beyond = disk.read(&mut [ReadRequest { offset: MIB, buffer: &mut one }]);
    assert_eq!(beyond.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn many_threads_read_at_once() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    let content = pattern(24 * MIB as usize, 8);
    let source = folder.path().join("source.raw");
    fs::write(&source, &content).unwrap();
    run("qemu-img", &["convert", "-f", "raw", "-O", "qcow2", text(&source), text(&image)]);
    let driver = driver(folder.path());
    let disk: Arc<dyn firn_driver_sdk::Disk> = open(&driver, &qcow2(&image)).unwrap().into();
    std::thread::scope(|scope| {
        for thread in 0..12_u64 {
            let (disk, content) = (&disk, &content);
            scope.spawn(move || {
                for turn in 0..30_u64 {
                    let offset = (thread * 7_919_111 + turn * 1_299_709) % (20 * MIB);
                    let length = (thread * 40_000 + turn * 100_000 + 1) as usize;
                    let at = offset as usize;
                    assert_same(&read(&**disk, offset, length), &content[at..at + length]);
                    let range = Extent::new(offset, length as u64);
                    let data = disk.extents_allocated(range).unwrap();
                    assert_eq!(data.as_slice(), [range]);
                }
            });
        }
    });
    disk.close().unwrap();
}

#[test]
fn a_damaged_cluster_is_an_integrity_error_that_names_the_place() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    let source = folder.path().join("source.raw");
    fs::write(&source, vec![9; 4 * MIB as usize]).unwrap();
    run("qemu-img", &["convert", "-c", "-f", "raw", "-O", "qcow2", text(&source), text(&image)]);
    // Compressed data follows the metadata; all of it is overwritten.
    let length = fs::metadata(&image).unwrap().len();
    let file = fs::File::options().write(true).open(&image).unwrap();
    use std::os::unix::fs::FileExt;
    let start = 5 * 65_536;
    file.write_all_at(&vec![0xff; (length - start) as usize], start).unwrap();
    drop(file);
    let driver = driver(folder.path());
    let disk = open(&driver, &qcow2(&image)).unwrap();
    let mut buffer = vec![0; 4 * MIB as usize];
    let read = disk.read(&mut [ReadRequest { offset: 0, buffer: &mut buffer }]);
    let error = read.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(error.message().contains("offset"), "{error}");
    disk.close().unwrap();
}

#[test]
fn a_missing_program_is_told_by_name() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    run("qemu-img", &["create", "-f", "qcow2", text(&image), "1M"]);
    let driver = driver_with(serde_json::json!({
        "runtime_dir": folder.path(), "qemu_nbd": "/nowhere/qemu-nbd",
    }));
    // Looking at a disk needs no program.
    assert_eq!(probe(&driver, &qcow2(&image)).unwrap().size_bytes, MIB);
    let error = open(&driver, &qcow2(&image)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("/nowhere/qemu-nbd is not installed"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_qemu_says_is_passed_on() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    run("qemu-img", &["create", "-f", "qcow2", text(&image), "1M"]);
    // A first-level table in the middle of a cluster.
    let file = fs::File::options().write(true).open(&image).unwrap();
    use std::os::unix::fs::FileExt;
    file.write_all_at(&12_345_u64.to_be_bytes(), 40).unwrap();
    drop(file);
    let error = open(&driver(folder.path()), &qcow2(&image)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("L1"), "{error}");
    let named = qcow2_on(&image, &[(&image, ImageFormat::Raw)]);
    assert!(probe(&driver(folder.path()), &named).is_ok());
}

#[test]
fn random_chains_of_every_cluster_kind() {
    let folder = folder();
    let path = |name: String| folder.path().join(name);
    for round in 0..6_u64 {
        let cluster = ["512", "4k", "64k"][round as usize % 3];
        let mut below: Option<std::path::PathBuf> = None;
        let mut files = Vec::new();
        for layer in 0..3_u64 {
            let image = path(format!("{round}-{layer}.qcow2"));
            let option = format!("cluster_size={cluster}");
            // The lower ones are smaller.
            let size = format!("{}k", 3000 + layer * 500);
            let mut arguments = vec!["create", "-f", "qcow2", "-o", &option];
            if let Some(below) = &below {
                arguments.extend(["-b", text(below), "-F", "qcow2"]);
            }
            arguments.extend([text(&image), &size]);
            run("qemu-img", &arguments);
            let writes: Vec<String> = (0..40)
                .map(|turn| {
                    let random = pattern(16, round * 10_000 + layer * 100 + turn + 1);
                    let at = u64::from_le_bytes(random[..8].try_into().unwrap()) % 2900;
                    let length = 1 + u64::from(random[9]) % 64;
                    match random[10] % 5 {
                        0 => format!("discard {at}k {length}k"),
                        1 => format!("write -z {at}k {length}k"),
                        2 => format!("write -z -u {at}k {length}k"),
                        _ => format!("write -P {} {at}k {length}k", 1 + random[11] % 200),
                    }
                })
                .collect();
            // Only whole clusters that are not there yet can be compressed.
            let at = layer * 512;
            io(&image, &[&format!("write -c -P 33 {at}k 256k"), "write -c -P 44 2M 64k"]);
            io(&image, &writes.iter().map(String::as_str).collect::<Vec<_>>());
            files.push(image.clone());
            below = Some(image);
        }
        let files: Vec<&Path> = files.iter().map(|file| file.as_path()).collect();
        check(folder.path(), files[2], &files);
    }
}
