//! Images and paths made to reach what they must not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::*;
use firn_driver_sdk::{ErrorKind, ImageFormat};
use serde_json::json;

/// An image whose header names `backing`, unchecked.
fn image_on(path: &Path, backing: &str, format: &str) {
    run(
        "qemu-img",
        &["create", "-f", "qcow2", "-u", "-b", backing, "-F", format, text(path), "1M"],
    );
}

/// The same, whatever the name: patched over one of the same length.
fn image_on_anything(path: &Path, backing: &str) {
    let stand_in = "x".repeat(backing.len());
    image_on(path, &stand_in, "raw");
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(stand_in.len()).position(|w| w == stand_in.as_bytes()).unwrap();
    bytes[at..at + backing.len()].copy_from_slice(backing.as_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn backing_names_that_reach_out_are_refused() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    let driver = driver(folder.path());
    symlink("/etc/passwd", folder.path().join("innocent.raw")).unwrap();
    symlink("/etc", folder.path().join("images")).unwrap();
    let secret =
        "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}}";
    for name in [
        "/etc/passwd",
        "../../../../../../etc/passwd",
        "innocent.raw",
        "images/passwd",
        secret,
        "nbd:127.0.0.1:10809",
        "nbd+unix:///?socket=/tmp/x",
        "file:/etc/passwd",
        "fat:/etc",
        "https://127.0.0.1/x",
        "/proc/self/fd/0",
        "/dev/fd/0",
        "nul\0byte",
    ] {
        image_on_anything(&image, name);
        let error = probe(&driver, &qcow2(&image)).unwrap_err();
        let expected: &[ErrorKind] = match name {
            // May be a pipe or a terminal, which is refused first.
            "/proc/self/fd/0" | "/dev/fd/0" => &[ErrorKind::Forbidden, ErrorKind::InvalidInput],
            _ => &[ErrorKind::Forbidden],
        };
        assert!(expected.contains(&error.kind()), "{name}: {error}");
    }
}

#[test]
fn what_the_domain_or_the_operator_names_is_followed() {
    let folder = folder();
    let base_folder = common::folder();
    let base = base_folder.path().join("base.raw");
    fs::write(&base, pattern(MIB as usize, 4)).unwrap();
    let image = folder.path().join("disk.qcow2");
    image_on(&image, text(&base), "raw");

    let plain = driver(folder.path());
    assert_eq!(probe(&plain, &qcow2(&image)).unwrap_err().kind(), ErrorKind::Forbidden);

    let named = qcow2_on(&image, &[(&base, ImageFormat::Raw)]);
    let disk = open(&plain, &named).unwrap();
    assert_same(&read_all(&*disk), &fs::read(&base).unwrap());

    let folders = |folders: &[&Path]| {
        driver_with(json!({"runtime_dir": folder.path(), "allowed_paths": folders}))
    };
    let both = folders(&[folder.path(), base_folder.path()]);
    let disk = open(&both, &qcow2(&image)).unwrap();
    assert_same(&read_all(&*disk), &fs::read(&base).unwrap());

    // The operator's list binds also what the domain names.
    let one = folders(&[folder.path()]);
    for location in [qcow2(&image), named, raw(&base)] {
        assert_eq!(probe(&one, &location).unwrap_err().kind(), ErrorKind::Forbidden);
    }
    let escape = folder.path().join("escape.raw");
    symlink(&base, &escape).unwrap();
    assert_eq!(probe(&one, &raw(&escape)).unwrap_err().kind(), ErrorKind::Forbidden);
    let create = firn_driver_sdk::Access::Create { size_bytes: 1 };
    let outside = raw(&base_folder.path().join("new.raw"));
    assert_eq!(open_as(&one, &outside, create).err().unwrap().kind(), ErrorKind::Forbidden);
    assert!(!base_folder.path().join("new.raw").exists());
}

#[test]
fn a_domain_s_format_wins_and_none_is_guessed() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    let base = folder.path().join("base");
    // The guest of the base made its raw disk look like a qcow2 file that names a secret.
    image_on(&base, "/etc/passwd", "raw");
    image_on(&image, "base", "raw");
    let content = fs::read(&base).unwrap();
    let driver = driver(folder.path());
    let disk = open(&driver, &qcow2(&image)).unwrap();
    assert_same(&read(&*disk, 0, content.len()), &content);
    drop(disk);

    // Without the name of a format in the header, only the domain can tell.
    let mut bytes = fs::read(&image).unwrap();
    let extension = 0xe279_2aca_u32.to_be_bytes();
    let at = bytes.windows(4).position(|window| window == extension).unwrap();
    bytes[at..at + 4].copy_from_slice(&[0x12, 0x34, 0x56, 0x78]);
    fs::write(&image, bytes).unwrap();
    let error = probe(&driver, &qcow2(&image)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("rebase -u -F"), "{error}");
    let disk = open(&driver, &qcow2_on(&image, &[(&base, ImageFormat::Raw)])).unwrap();
    assert_same(&read(&*disk, 0, content.len()), &content);
    let other = qcow2_on(&image, &[(&base, ImageFormat::Other)]);
    assert_eq!(probe(&driver, &other).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn chains_in_a_circle_end() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.qcow2"), folder.path().join("b.qcow2"));
    image_on(&a, "b.qcow2", "qcow2");
    image_on(&b, "a.qcow2", "qcow2");
    let driver = driver(folder.path());
    assert_eq!(probe(&driver, &qcow2(&a)).unwrap_err().kind(), ErrorKind::Integrity);
    image_on(&a, "a.qcow2", "qcow2");
    assert_eq!(probe(&driver, &qcow2(&a)).unwrap_err().kind(), ErrorKind::Integrity);
}

#[test]
fn a_relative_name_behind_a_link_is_not_guessed() {
    let (folder, elsewhere) = (folder(), folder());
    for place in [&folder, &elsewhere] {
        fs::write(place.path().join("base.raw"), pattern(4096, 2)).unwrap();
    }
    let image = folder.path().join("disk.qcow2");
    image_on(&image, "base.raw", "raw");
    let link = elsewhere.path().join("disk.qcow2");
    symlink(&image, &link).unwrap();
    let driver = driver(folder.path());
    assert_eq!(probe(&driver, &qcow2(&link)).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(probe(&driver, &qcow2(&image)).is_ok());
    // One disk, one location, by whichever name.
    let plain = folder.path().join("plain.raw");
    fs::write(&plain, b"x").unwrap();
    let link = elsewhere.path().join("plain.raw");
    symlink(&plain, &link).unwrap();
    let by_link = probe(&driver, &raw(&link)).unwrap();
    assert_eq!(by_link, probe(&driver, &raw(&plain)).unwrap());
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = folder();
    let fifo = folder.path().join("fifo");
    run("mkfifo", &[text(&fifo)]);
    let on_fifo = folder.path().join("disk.qcow2");
    image_on_anything(&on_fifo, "fifo");
    let driver = driver(folder.path());
    let start = Instant::now();
    let paths: [PathBuf; 4] =
        [fifo.clone(), "/dev/zero".into(), folder.path().into(), "relative".into()];
    for path in &paths {
        for location in [raw(path), qcow2(path)] {
            let error = probe(&driver, &location).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", path.display());
        }
    }
    assert_eq!(probe(&driver, &qcow2(&on_fifo)).unwrap_err().kind(), ErrorKind::InvalidInput);
    let missing = folder.path().join("missing");
    assert_eq!(probe(&driver, &raw(&missing)).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn random_damage_of_a_real_image_gives_an_answer() {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    run("qemu-img", &["create", "-f", "qcow2", "-o", "cluster_size=4k", text(&image), "1M"]);
    io(&image, &["write -P 1 0 100k"]);
    run("qemu-img", &["bitmap", "--add", text(&image), "b0"]);
    io(&image, &["write -P 2 50k 100k"]);
    let good = fs::read(&image).unwrap();
    let driver = driver(folder.path());
    for seed in 1..40_u64 {
        fs::write(&image, &good).unwrap();
        let file = fs::File::options().write(true).open(&image).unwrap();
        for (turn, byte) in pattern(6, seed).into_iter().enumerate() {
            let random =
                u64::from_le_bytes(pattern(8, seed * 100 + turn as u64).try_into().unwrap());
            // Half of it in the header, the rest in the tables behind it.
            let at = if turn % 2 == 0 { random % 160 } else { random % (16 << 10) };
            file.write_all_at(&[byte], at).unwrap();
        }
        drop(file);
        let before = fs::read(&image).unwrap();
        if let Ok(disk) = open(&driver, &qcow2(&image)) {
            // A damaged header may claim any size: what is read stays small.
            let size = disk.size_bytes().min(2 * MIB);
            let mut buffer = vec![0; size as usize];
            let mut requests = [firn_driver_sdk::ReadRequest { offset: 0, buffer: &mut buffer }];
            let _ = disk.read(&mut requests);
            let _ = disk.extents_allocated(firn_driver_sdk::Extent::new(0, size));
            let _ = disk.change_token();
            drop(disk);
        }
        assert!(fs::read(&image).unwrap() == before, "the image was written to");
    }
}
