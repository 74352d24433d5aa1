//! Changed extents by persistent dirty bitmaps: found where they can be trusted, refused where
//! not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::*;
use firn_driver_file::FileDriver;
use firn_driver_sdk::{ErrorKind, Extent, ExtentList};

struct Bed {
    _folder: tempfile::TempDir,
    driver: FileDriver,
    image: PathBuf,
}

/// A disk of 64 MiB with some content and no bitmap.
fn bed() -> Bed {
    let folder = folder();
    let image = folder.path().join("disk.qcow2");
    run("qemu-img", &["create", "-f", "qcow2", text(&image), "64M"]);
    io(&image, &["write -P 1 0 4M", "write -P 2 32M 4M"]);
    Bed { driver: driver(folder.path()), _folder: folder, image }
}

impl Bed {
    fn bitmap(&self, action: &str, name: &str) {
        run("qemu-img", &["bitmap", action, text(&self.image), name]);
    }

    fn token(&self) -> Option<String> {
        let disk = open(&self.driver, &qcow2(&self.image)).unwrap();
        let token = disk.change_token().unwrap();
        assert_eq!(
            probe(&self.driver, &qcow2(&self.image)).unwrap().changed_blocks,
            token.is_some()
        );
        disk.close().unwrap();
        token
    }

    fn changed(&self, from: &str) -> Result<ExtentList, ErrorKind> {
        let before = trace(&[&self.image]);
        let disk = open(&self.driver, &qcow2(&self.image)).unwrap();
        let changed = disk.extents_changed(from).map_err(|error| error.kind());
        disk.close().unwrap();
        assert_eq!(trace(&[&self.image]), before);
        changed
    }

    fn content(&self) -> Vec<u8> {
        content_by_qemu(&self.image)
    }
}

/// Everything that differs is in the list.
fn assert_covers(changed: &ExtentList, before: &[u8], after: &[u8]) {
    let rest = changed.complement(after.len() as u64);
    for run in rest.as_slice() {
        let range = run.offset as usize..run.end() as usize;
        let old = before.get(range.clone());
        assert!(old == Some(&after[range]), "a change in {run:?} was not told");
    }
}

#[test]
fn changes_are_told_exactly_and_over_many_runs() {
    let bed = bed();
    assert_eq!(bed.token(), None);
    bed.bitmap("--add", "daily");
    let mut token = bed.token().unwrap();
    assert!(bed.changed(&token).unwrap().is_empty());
    let mut before = bed.content();
    let mut expected = ExtentList::new();
    for (at, write) in
        [(1, "write -P 8 1M 64k"), (40, "write -P 8 40M 64k"), (33, "write -z 33M 64k")]
    {
        io(&bed.image, &[write]);
        let after = bed.content();
        expected.push(Extent::new(at * MIB, 64 * KIB));
        let changed = bed.changed(&token).unwrap();
        assert_covers(&changed, &before, &after);
        assert_eq!(changed, expected);
        // The bitmap only grows: each backup reads since the bitmap was made.
        token = bed.token().unwrap();
        before = after;
    }
}

#[test]
fn the_smallest_of_several_bitmaps_counts() {
    let bed = bed();
    bed.bitmap("--add", "old");
    io(&bed.image, &["write -P 3 8M 8M"]);
    bed.bitmap("--add", "new");
    let token = bed.token().unwrap();
    io(&bed.image, &["write -P 4 20M 64k"]);
    assert_eq!(bed.changed(&token).unwrap().bytes(), 64 * KIB);
    // When the operator retires the new one, the old one still serves.
    bed.bitmap("--remove", "new");
    let changed = bed.changed(&token).unwrap();
    assert_eq!(changed.bytes(), 8 * MIB + 64 * KIB);
    bed.bitmap("--remove", "old");
    assert_eq!(bed.changed(&token), Err(ErrorKind::NotFound));
    bed.bitmap("--add", "another");
    assert_eq!(bed.changed(&token), Err(ErrorKind::NotFound));
}

#[test]
fn a_cleared_or_remade_bitmap_is_not_believed() {
    let bed = bed();
    bed.bitmap("--add", "b");
    io(&bed.image, &["write -P 3 8M 1M"]);
    let token = bed.token().unwrap();
    io(&bed.image, &["write -P 4 20M 1M"]);
    bed.bitmap("--clear", "b");
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
    io(&bed.image, &["write -P 4 50M 1M"]);
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
    bed.bitmap("--remove", "b");
    bed.bitmap("--add", "b");
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
    bed.bitmap("--remove", "b");
    run("qemu-img", &["bitmap", "--add", "-g", "32k", text(&bed.image), "b"]);
    assert_eq!(bed.changed(&token), Err(ErrorKind::NotFound));
}

#[test]
fn a_disabled_bitmap_is_not_used() {
    let bed = bed();
    bed.bitmap("--add", "b");
    let token = bed.token().unwrap();
    bed.bitmap("--disable", "b");
    assert_eq!(bed.token(), None);
    assert_eq!(bed.changed(&token), Err(ErrorKind::NotFound));
}

#[test]
fn a_machine_that_was_killed_leaves_no_usable_bitmap() {
    let bed = bed();
    bed.bitmap("--add", "b");
    let token = bed.token().unwrap();
    let mut vm = running_vm(&bed.image, false);
    vm.0.kill().unwrap();
    vm.0.wait().unwrap();
    drop(vm);
    let said = run("qemu-img", &["info", "--output=json", text(&bed.image)]);
    assert!(said.contains("in-use"), "{said}");
    assert_eq!(bed.token(), None);
    assert_eq!(bed.changed(&token), Err(ErrorKind::NotFound));
}

#[test]
fn another_set_of_internal_snapshots_voids_the_token() {
    let bed = bed();
    bed.bitmap("--add", "b");
    let token = bed.token().unwrap();
    run("qemu-img", &["snapshot", "-c", "s1", text(&bed.image)]);
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
    let token = bed.token().unwrap();
    assert!(bed.changed(&token).unwrap().is_empty());
    // QEMU itself refuses to go back to a snapshot under a bitmap.
    let revert = command("qemu-img").args(["snapshot", "-a", "s1"]).arg(&bed.image).output();
    assert!(!revert.unwrap().status.success());
    run("qemu-img", &["snapshot", "-d", "s1", text(&bed.image)]);
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
}

#[test]
fn growth_counts_as_changed_and_shrinking_voids() {
    let bed = bed();
    run("qemu-img", &["resize", text(&bed.image), "67109376"]);
    bed.bitmap("--add", "b");
    io(&bed.image, &["write -P 9 64M 512"]);
    let token = bed.token().unwrap();
    let before = bed.content();
    run("qemu-img", &["resize", text(&bed.image), "80M"]);
    io(&bed.image, &["write -P 3 70M 64k"]);
    let changed = bed.changed(&token).unwrap();
    assert_covers(&changed, &before, &bed.content());
    assert_eq!(changed.as_slice(), [Extent::new(64 * MIB, 16 * MIB)]);
    let token = bed.token().unwrap();
    run("qemu-img", &["resize", "--shrink", text(&bed.image), "16M"]);
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
}

#[test]
fn a_program_that_knows_no_bitmaps_voids_them() {
    let bed = bed();
    bed.bitmap("--add", "b");
    let token = bed.token().unwrap();
    // What such a program does when it opens the image for writing: clear the autoclear bits.
    use std::os::unix::fs::FileExt;
    let file = fs::File::options().write(true).open(&bed.image).unwrap();
    file.write_all_at(&0_u64.to_be_bytes(), 88).unwrap();
    drop(file);
    assert_eq!(bed.token(), None);
    assert_eq!(bed.changed(&token), Err(ErrorKind::NotFound));
}

#[test]
fn an_overlay_s_bitmap_needs_its_backing_file_unchanged() {
    let folder = folder();
    let (base, image) = (folder.path().join("base.qcow2"), folder.path().join("disk.qcow2"));
    run("qemu-img", &["create", "-f", "qcow2", text(&base), "8M"]);
    run("qemu-img", &["create", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", text(&image)]);
    let bed = Bed { driver: driver(folder.path()), image, _folder: folder };
    bed.bitmap("--add", "b");
    let token = bed.token().unwrap();
    io(&bed.image, &["write -P 3 1M 64k"]);
    let changed = bed.changed(&token).unwrap();
    assert_eq!(changed.as_slice(), [Extent::new(MIB, 64 * KIB)]);
    io(&base, &["write -P 3 4M 64k"]);
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
}

#[test]
fn an_older_copy_of_the_image_is_noticed() {
    let bed = bed();
    bed.bitmap("--add", "b");
    let copy = bed.image.with_extension("copy");
    fs::copy(&bed.image, &copy).unwrap();
    io(&bed.image, &["write -P 4 20M 1M"]);
    let token = bed.token().unwrap();
    fs::rename(&copy, &bed.image).unwrap();
    assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict));
}

#[test]
fn tokens_of_others_are_refused() {
    let bed = bed();
    bed.bitmap("--add", "b");
    for token in ["", "x", "{}", "[1]", "{\"version\":2}", "null"] {
        assert_eq!(bed.changed(token), Err(ErrorKind::Unsupported), "{token}");
    }
    let flat: &Path = &bed.image.with_extension("raw");
    fs::write(flat, [0; 512]).unwrap();
    let disk = open(&bed.driver, &raw(flat)).unwrap();
    assert_eq!(disk.change_token().unwrap(), None);
    assert_eq!(disk.extents_changed("x").unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn random_writes_are_all_covered() {
    let bed = bed();
    run("qemu-img", &["bitmap", "--add", "-g", "512", text(&bed.image), "fine"]);
    io(&bed.image, &["write -P 3 100k 3k"]);
    let token = bed.token().unwrap();
    let mut before = bed.content();
    for round in 0..4_u64 {
        let writes: Vec<String> = (0..60)
            .map(|turn| {
                let random = pattern(16, round * 1000 + turn + 1);
                let at =
                    u64::from_le_bytes(random[..8].try_into().unwrap()) % (63 * MIB) / 512 * 512;
                let length = 512 * (1 + u64::from(random[9]));
                let kind = ["-P 5", "-P 77", "-z", "-z -u"][usize::from(random[10] % 4)];
                format!("write {kind} {at} {length}")
            })
            .collect();
        io(&bed.image, &writes.iter().map(String::as_str).collect::<Vec<_>>());
        let after = bed.content();
        assert_covers(&bed.changed(&token).unwrap(), &before, &after);
        if round == 1 {
            before = bed.content();
        }
    }
}

/// The bits of the token are all set again, or there were none: only the image's own tables tell.
#[test]
fn a_bitmap_that_was_cleared_after_a_write_is_caught_by_the_layout() {
    let missed: [&[&str]; 2] = [&["--clear"], &["--disable", "--enable"]];
    for actions in missed {
        let bed = bed();
        bed.bitmap("--add", "b");
        let token = bed.token().unwrap();
        let (before, last) = (actions[0], *actions.last().unwrap());
        if before == "--disable" {
            bed.bitmap(before, "b");
        }
        io(&bed.image, &["write -P 4 20M 1M"]);
        bed.bitmap(last, "b");
        io(&bed.image, &["write -P 5 50M 1M"]);
        assert_eq!(bed.changed(&token), Err(ErrorKind::Conflict), "{actions:?}");
        // From here on it is whole again.
        let token = bed.token().unwrap();
        io(&bed.image, &["write -P 6 55M 64k", "discard 0 1M"]);
        assert!(bed.changed(&token).unwrap().bytes() <= 2 * MIB + 64 * KIB);
    }
}
