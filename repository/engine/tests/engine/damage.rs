//! Rot: every kind of object, every part of it.

use crate::support::{
    self, Disk, Fixture, Restored, assert_restores, full, objects, open, try_restore,
};
use bytes::Bytes;
use firn_core::ErrorKind;
use firn_repository::{MasterKey, OpenOptions, PointEntry, RepositoryError, Storage, VerifyScope};

fn disk() -> Disk {
    Disk::filled(2 << 20, 0..100, 7)
}

fn read(storage: &Storage, object: &str) -> Vec<u8> {
    storage.backend().get(object).unwrap()
}

/// Puts other bytes in an object's place, as rot does.
fn replace(storage: &Storage, object: &str, data: Vec<u8>) {
    storage.backend().delete(object).unwrap();
    storage.backend().put(object, vec![Bytes::from(data)], "test").unwrap();
}

fn flip(storage: &Storage, object: &str, at: usize) {
    let mut data = read(storage, object);
    data[at] ^= 0x10;
    replace(storage, object, data);
}

/// Places to damage: all kinds of parts, ends included.
fn places(length: usize) -> Vec<usize> {
    let mut places: Vec<_> = (0..length).step_by((length / 24).max(1)).collect();
    places.extend([0, 1, 8, 12, 20, 31, 32, 33].into_iter().filter(|at| *at < length));
    places.extend((1..=64).filter_map(|back| length.checked_sub(back)));
    places.sort_unstable();
    places.dedup();
    places
}

/// Restores, or says that it cannot; never gives wrong data.
fn restore_or_integrity(storage: &Storage, key: &MasterKey, disk: &Disk) -> bool {
    let repository =
        match firn_repository::Repository::open(storage.clone(), key, OpenOptions::default()) {
            Ok(repository) => repository,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Integrity, "{error:?}");
                return false;
            }
        };
    for entry in repository.points().unwrap() {
        let PointEntry::Good(point) = entry else { return false };
        let sink = Restored::new(disk.size);
        match try_restore(&repository, &point, &sink) {
            Ok(()) => sink.assert_is(disk),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Integrity, "{error:?}");
                let RepositoryError::ChunkDamaged { device, range, .. } = &error else {
                    panic!("the range is not named: {error:?}");
                };
                assert_eq!(device, "vda");
                assert!(range.length > 0 && range.end() <= disk.size);
                sink.assert_nothing_wrong(disk);
                return false;
            }
        }
    }
    true
}

fn damaged_objects(storage: &Storage, key: &MasterKey) -> Vec<String> {
    let report = open(storage, key).verify(&VerifyScope::default(), &Default::default()).unwrap();
    report.damage.into_iter().map(|damage| damage.object).collect()
}

fn remove_notes(storage: &Storage) {
    for note in objects(storage, "quarantine/") {
        storage.backend().delete(&note).unwrap();
    }
}

/// Damages each place of the only object of a folder; verify must name it every time.
fn each_place(folder: &str, may_still_restore: bool) {
    let fixture = Fixture::new();
    let disk = disk();
    full(&fixture.repository, &disk);
    let names = objects(&fixture.storage, folder);
    let [object] = names.as_slice() else { panic!("one object in {folder}: {names:?}") };
    let good = read(&fixture.storage, object);
    for at in places(good.len()) {
        flip(&fixture.storage, object, at);
        let named = damaged_objects(&fixture.storage, &fixture.key);
        assert!(named.contains(object), "byte {at} of {object}: {named:?}");
        let restored = restore_or_integrity(&fixture.storage, &fixture.key, &disk);
        assert!(may_still_restore || !restored, "byte {at} of {object}");
        replace(&fixture.storage, object, good.clone());
        remove_notes(&fixture.storage);
    }
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        replace(&fixture.storage, object, good[..length].to_vec());
        let named = damaged_objects(&fixture.storage, &fixture.key);
        assert!(named.contains(object), "{object} cut to {length}: {named:?}");
        restore_or_integrity(&fixture.storage, &fixture.key, &disk);
        replace(&fixture.storage, object, good.clone());
        remove_notes(&fixture.storage);
    }
    assert!(damaged_objects(&fixture.storage, &fixture.key).is_empty());
    assert!(restore_or_integrity(&fixture.storage, &fixture.key, &disk));
}

#[test]
fn packs() {
    // A flip in header, trailer or footer leaves the data readable by the index.
    each_place("packs/", true);
}

#[test]
fn index_segments() {
    each_place("index/", true);
}

#[test]
fn records() {
    each_place("points/", false);
}

#[test]
fn config_and_key_slots_have_a_copy_that_helps() {
    let fixture = Fixture::new();
    let disk = disk();
    full(&fixture.repository, &disk);
    let mut names = objects(&fixture.storage, "keys/");
    names.extend(["config".to_owned(), "config.copy".to_owned()]);
    assert_eq!(names.len(), 4);
    for object in &names {
        let good = read(&fixture.storage, object);
        for at in 0..good.len() {
            flip(&fixture.storage, object, at);
            if at % 16 == 0 {
                let named = damaged_objects(&fixture.storage, &fixture.key);
                assert_eq!(named, std::slice::from_ref(object), "byte {at}");
            }
            replace(&fixture.storage, object, good.clone());
        }
        fixture.storage.backend().delete(object).unwrap();
        assert_eq!(damaged_objects(&fixture.storage, &fixture.key), std::slice::from_ref(object));
        assert!(restore_or_integrity(&fixture.storage, &fixture.key, &disk));
        replace(&fixture.storage, object, good);
    }
    for object in ["config", "config.copy"] {
        flip(&fixture.storage, object, 40);
    }
    assert!(!restore_or_integrity(&fixture.storage, &fixture.key, &disk));
}

#[test]
fn another_key_is_forbidden_and_no_damage() {
    let fixture = Fixture::new();
    let other = MasterKey::generate().unwrap();
    let opened = firn_repository::Repository::open(fixture.storage, &other, OpenOptions::default());
    let error = opened.err().expect("another key opens nothing");
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains(&other.fingerprint()));
}

#[test]
fn verify_names_what_is_lost_and_the_next_backup_heals_it() {
    let fixture = Fixture::new();
    let disk = disk();
    let first = full(&fixture.repository, &disk);
    let mut other = disk.clone();
    other.pieces.insert(90, 123_456);
    let second = full(&fixture.repository, &other);
    let packs = objects(&fixture.storage, "packs/");
    let largest =
        packs.iter().max_by_key(|pack| read(&fixture.storage, pack).len()).unwrap().clone();
    flip(&fixture.storage, &largest, 5000);

    let repository = fixture.reopen();
    let report = repository.verify(&VerifyScope::default(), &Default::default()).unwrap();
    assert_eq!(report.damage.len(), 1, "{report:?}");
    let damage = &report.damage[0];
    assert_eq!(damage.object, largest);
    let mut points: Vec<_> = damage.affected.iter().map(|affected| affected.point).collect();
    points.sort();
    let mut expected = vec![first.id, second.id];
    expected.sort();
    assert_eq!(points, expected, "both points share the chunk");
    let range = damage.affected[0].range;
    assert_eq!(range.length, 64 << 10);

    // The restore fails at just that range.
    let sink = Restored::new(disk.size);
    match try_restore(&repository, &first, &sink) {
        Err(RepositoryError::ChunkDamaged { range: lost, object, .. }) => {
            assert_eq!(lost, range);
            assert_eq!(object, largest);
        }
        other => panic!("{other:?}"),
    }
    sink.assert_nothing_wrong(&disk);
    // Other bytes still read.
    let reader = repository.open_disk(&first.disks[0], support::DOMAIN).unwrap();
    let mut byte = [0];
    assert_eq!(reader.read_at(range.offset, &mut byte).unwrap_err().kind(), ErrorKind::Integrity);
    reader.read_at((range.offset + range.length) % disk.size, &mut byte).unwrap();

    // Found again as long as it is lost.
    let report = repository.verify(&VerifyScope::default(), &Default::default()).unwrap();
    assert!(!report.is_clean());

    // Only the quarantined chunk is stored anew, and both points are whole again.
    let third = full(&fixture.reopen(), &disk);
    assert_eq!(third.disks[0].stats.new_bytes, 64 << 10);
    let repository = fixture.reopen();
    for (point, disk) in [(&first, &disk), (&second, &other), (&third, &disk)] {
        assert_restores(&repository, point, disk);
    }
    let report = repository.verify(&VerifyScope::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.healed, 1);
}

/// Wherever the damage is, in data, map nodes or the ends of a pack: a verification of the one
/// point that needs it is enough for the next backup to be whole.
#[test]
fn a_verify_of_one_point_is_enough_to_heal_any_damage() {
    let disk = disk();
    let damage = |at: usize, truncate: bool| {
        let fixture = Fixture::new();
        let first = full(&fixture.repository, &disk);
        let packs = objects(&fixture.storage, "packs/");
        let pack = packs.iter().max_by_key(|pack| read(&fixture.storage, pack).len()).unwrap();
        let length = read(&fixture.storage, pack).len();
        let at = at % length;
        if truncate {
            let mut data = read(&fixture.storage, pack);
            data.truncate(at);
            replace(&fixture.storage, pack, data);
        } else {
            flip(&fixture.storage, pack, at);
        }
        let scope = VerifyScope { sample: None, points: Some(vec![first.id]) };
        let report = fixture.reopen().verify(&scope, &Default::default()).unwrap();
        let second = full(&fixture.reopen(), &disk);
        let repository = fixture.reopen();
        assert_restores(&repository, &second, &disk);
        assert_restores(&repository, &first, &disk);
        (!report.is_clean(), length)
    };
    let (_, length) = damage(0, false);
    let mut named = 0;
    for step in 0..24 {
        let at = length / 24 * step + step % 17;
        named += usize::from(damage(at, false).0) + usize::from(damage(at, true).0);
    }
    // Map nodes are the last blobs of a pack, before its trailer.
    let ends: Vec<_> = (1..2_000).step_by(91).collect();
    for back in &ends {
        named += usize::from(damage(length - back, true).0);
        named += usize::from(damage(length - back, false).0);
    }
    assert_eq!(named, 2 * (24 + ends.len()), "every damage is named");
}

#[test]
fn a_missing_pack_is_named_and_heals() {
    let fixture = Fixture::new();
    let disk = disk();
    let point = full(&fixture.repository, &disk);
    let pack = objects(&fixture.storage, "packs/").remove(0);
    fixture.storage.backend().delete(&pack).unwrap();
    let report = fixture.reopen().verify(&VerifyScope::default(), &Default::default()).unwrap();
    assert_eq!(report.damage.len(), 1, "{report:?}");
    assert_eq!(report.damage[0].object, pack);
    assert!(report.damage[0].affected.iter().any(|affected| affected.point == point.id));
    full(&fixture.reopen(), &disk);
    let repository = fixture.reopen();
    assert_restores(&repository, &point, &disk);
    let report = repository.verify(&VerifyScope::default(), &Default::default()).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn points_in_scope_and_samples() {
    let fixture = Fixture::new();
    let (disk, other) = (disk(), Disk::filled(2 << 20, 0..100, 900_000));
    let first = full(&fixture.repository, &disk);
    let packs = objects(&fixture.storage, "packs/");
    let second = full(&fixture.repository, &other);
    flip(&fixture.storage, &packs[0], 5000);
    let repository = fixture.reopen();
    let scope = |point: &firn_repository::PointRecord, sample| VerifyScope {
        sample,
        points: Some(vec![point.id]),
    };
    let good = repository.verify(&scope(&second, None), &Default::default()).unwrap();
    assert!(good.is_clean(), "{good:?}");
    assert_eq!((good.points, good.chunks), (1, 25));
    let bad = repository.verify(&scope(&first, None), &Default::default()).unwrap();
    assert_eq!(bad.damage.len(), 1, "{bad:?}");
    assert_eq!(bad.damage[0].affected[0].point, first.id);
    let whole = VerifyScope { sample: Some(0.3), points: None };
    let part = repository.verify(&whole, &Default::default()).unwrap();
    assert!(part.chunks > 0 && part.chunks < 50, "{part:?}");
    for sample in [0.0, -1.0, 1.5, f64::NAN] {
        let scope = VerifyScope { sample: Some(sample), points: None };
        let error = repository.verify(&scope, &Default::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn quarantine_notes() {
    let fixture = Fixture::new();
    let disk = disk();
    let point = full(&fixture.repository, &disk);
    let pack = objects(&fixture.storage, "packs/").remove(0);
    flip(&fixture.storage, &pack, 5000);
    damaged_objects(&fixture.storage, &fixture.key);
    let note = objects(&fixture.storage, "quarantine/").remove(0);
    let good = read(&fixture.storage, &note);
    for at in 0..good.len() {
        flip(&fixture.storage, &note, at);
        if at % 8 == 0 {
            let named = damaged_objects(&fixture.storage, &fixture.key);
            assert!(named.contains(&note) && named.contains(&pack), "byte {at}: {named:?}");
            remove_notes(&fixture.storage);
            fixture.storage.backend().put(&note, vec![Bytes::from(good.clone())], "test").unwrap();
        } else {
            restore_or_integrity(&fixture.storage, &fixture.key, &disk);
            replace(&fixture.storage, &note, good.clone());
        }
    }
    full(&fixture.reopen(), &disk);
    assert_restores(&fixture.reopen(), &point, &disk);
}

#[test]
fn a_damaged_segment_is_gone_after_a_rebuild() {
    let fixture = Fixture::new();
    let disk = disk();
    let point = full(&fixture.repository, &disk);
    let segment = objects(&fixture.storage, "index/").remove(0);
    flip(&fixture.storage, &segment, 200);
    let repository = fixture.reopen();
    assert!(damaged_objects(&fixture.storage, &fixture.key).contains(&segment));
    repository.rebuild_index(&Default::default()).unwrap();
    assert_restores(&fixture.reopen(), &point, &disk);
    assert!(damaged_objects(&fixture.storage, &fixture.key).is_empty());
}

#[test]
fn a_rebuild_keeps_what_only_the_old_index_knows() {
    let fixture = Fixture::new();
    let disk = disk();
    let point = full(&fixture.repository, &disk);
    let pack = objects(&fixture.storage, "packs/").remove(0);
    let length = read(&fixture.storage, &pack).len();
    flip(&fixture.storage, &pack, length - 40);
    let report = fixture.reopen().rebuild_index(&Default::default()).unwrap();
    assert_eq!((report.packs, report.damaged_packs), (0, 1));
    assert_restores(&fixture.reopen(), &point, &disk);
}
