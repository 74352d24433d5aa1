//! Rot and truncation in the repository: named by verify, refused by restore, healed by the next
//! backup, and never wrong data.

use std::fs;
use std::path::{Path, PathBuf};

use firn_integration_tests::rand::rngs::StdRng;
use firn_integration_tests::rand::{Rng, SeedableRng};
use firn_integration_tests::{
    Api, Change, Format, Ground, MIB, Machine, Service, Truth, nothing_left, random_seed,
};

/// Two machines that share nothing, each with a point.
struct Scene {
    ground: Ground,
    service: Service,
    /// The machine whose data gets damaged.
    hurt: Machine,
    point: String,
    truth: Truth,
    /// The files of the repository that came with the hurt point.
    files: Vec<PathBuf>,
    other: Machine,
    other_point: String,
    other_truth: Truth,
    random: StdRng,
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// One bit, at a random place.
    Flip,
    /// Cut at a random length.
    Truncate,
    /// Removed.
    Remove,
}

impl Scene {
    fn new() -> Self {
        let ground = Ground::new();
        let seed = random_seed("FIRN_DAMAGE_SEED");
        let disks = |name: &str, seed: u64| {
            Machine::new(&ground, name)
                .disk(&ground, "vda", Format::Qcow2, 24 * MIB, &Change::mixed(24 * MIB, seed))
                .disk(&ground, "vdb", Format::Raw, 16 * MIB, &Change::mixed(16 * MIB, seed + 1))
                .define()
        };
        let (other, hurt) = (disks("other", seed), disks("hurt", seed ^ 0xffff_0000));
        let service = Service::start(&ground);
        let api = service.api();
        let id = |point: serde_json::Value| point["id"].as_str().unwrap().to_owned();
        let other_point = id(api.backed_up(&other.id, "full"));
        let before = files(&ground.repository());
        let point = id(api.backed_up(&hurt.id, "full"));
        let mut new = files(&ground.repository());
        new.retain(|file| !before.contains(file));
        let (truth, other_truth) = (hurt.truth(), other.truth());
        let random = StdRng::seed_from_u64(seed);
        let files = new;
        Self { ground, service, hurt, point, truth, files, other, other_point, other_truth, random }
    }

    fn api(&self) -> Api {
        self.service.api()
    }

    /// Files of the hurt point in one of the repository's folders.
    fn files_in(&self, folder: &str) -> Vec<PathBuf> {
        let root = self.ground.repository().join(folder);
        let found: Vec<_> =
            self.files.iter().filter(|file| file.starts_with(&root)).cloned().collect();
        assert!(!found.is_empty(), "no file in {folder}: {:?}", self.files);
        found
    }

    /// Damages a file; gives what it held.
    fn harm(&mut self, file: &Path, harm: Harm) -> Vec<u8> {
        let before = fs::read(file).unwrap();
        let place = self.random.random_range(0..before.len());
        let bit = self.random.random_range(0..8);
        eprintln!("{harm:?} at {place} of {} in {}", before.len(), file.display());
        match harm {
            Harm::Flip => {
                let mut after = before.clone();
                after[place] ^= 1 << bit;
                replace(file, &after);
            }
            Harm::Truncate => replace(file, &before[..place]),
            Harm::Remove => fs::remove_file(file).unwrap(),
        }
        before
    }

    /// Restores the hurt point: all of it is right, or the job fails with an integrity error and
    /// leaves nothing. Gives the message where it failed.
    fn restore_or_refuse(&self) -> Option<String> {
        let api = self.api();
        let name = format!("try-{}", uuid());
        let job = api.wait(&api.restore(&self.point, &name));
        let folder = self.ground.restores().join(&name);
        if job.status() == "succeeded" {
            self.hurt.compare(&name, &self.truth);
            fs::remove_dir_all(folder).unwrap();
            return None;
        }
        assert!(!folder.exists(), "a failed restore left {}", folder.display());
        Some(job.failed("integrity"))
    }

    /// Verification finds it, names the file, and takes the point out of use.
    fn verify_names(&self, file: &Path) -> String {
        let api = self.api();
        let job = api.verify(&self.point);
        let message = job.failed("integrity");
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(message.contains(name), "{name} is not named: {message}");
        let point = api.point(&self.point);
        assert_eq!(point["status"], "error", "{point:#}");
        assert!(!point["status_reason"].as_str().unwrap_or_default().is_empty(), "{point:#}");
        let target = serde_json::json!({"type": "file", "name": "refused"});
        let body = serde_json::json!({
            "restore": {"restore_point_id": self.point, "target": target}
        });
        api.refused("POST", "/v1/restores", &body, 409);
        message
    }

    fn other_is_whole(&self) {
        self.other.check_restore(&self.api(), &self.other_point, &self.other_truth);
    }

    /// A backup of the same content makes the damaged point whole again.
    fn heal(&self) {
        let api = self.api();
        let next = api.backed_up(&self.hurt.id, "full");
        let next = next["id"].as_str().unwrap();
        self.hurt.check_restore(&api, next, &self.truth);
        api.verify(next).succeeded();
        api.verify(&self.point).succeeded();
        assert_eq!(api.point(&self.point)["status"], "available");
        self.hurt.check_restore(&api, &self.point, &self.truth);
    }
}

fn uuid() -> u64 {
    firn_integration_tests::rand::random()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Puts other bytes in a file's place, as a new file: somebody may have the old one mapped.
fn replace(file: &Path, bytes: &[u8]) {
    let other = file.with_extension("other");
    fs::write(&other, bytes).unwrap();
    fs::rename(other, file).unwrap();
}

/// Whether a message says which disk and which bytes of it.
fn names_range(message: &str) -> bool {
    let disk = message.contains("vda") || message.contains("vdb");
    disk && message.chars().any(|letter| letter.is_ascii_digit())
}

#[test]
fn every_flipped_bit_of_a_pack() {
    let mut scene = Scene::new();
    let packs = scene.files_in("packs");
    let mut refused = 0;
    for _ in 0..8 {
        let pack = packs[scene.random.random_range(0..packs.len())].clone();
        let before = scene.harm(&pack, Harm::Flip);
        if let Some(message) = scene.restore_or_refuse() {
            assert!(names_range(&message), "no disk range: {message}");
            refused += 1;
        }
        scene.verify_names(&pack);
        scene.other_is_whole();
        // The disk below the repository is repaired, and the point can be used again.
        replace(&pack, &before);
        scene.api().verify(&scene.point).succeeded();
        assert!(scene.restore_or_refuse().is_none());
    }
    assert!(refused > 0, "no flip met any data");
    nothing_left(&scene.ground, &scene.service);
}

#[test]
fn a_damaged_pack_is_healed_by_the_next_backup() {
    for harm in [Harm::Flip, Harm::Truncate, Harm::Remove] {
        let mut scene = Scene::new();
        // The largest one: data, not only maps.
        let mut packs = scene.files_in("packs");
        packs.sort_by_key(|pack| fs::metadata(pack).unwrap().len());
        let pack = packs.pop().unwrap();
        scene.harm(&pack, harm);
        let refused = scene.restore_or_refuse();
        if let Some(message) = &refused {
            assert!(names_range(message), "no disk range: {message}");
        }
        let found = scene.verify_names(&pack);
        if refused.is_some() {
            assert!(found.contains(&scene.point) && names_range(&found), "what is lost: {found}");
        }
        scene.other_is_whole();
        scene.heal();
        scene.other_is_whole();
        nothing_left(&scene.ground, &scene.service);
    }
}

/// The index only says where data is: damage in it may cost speed or a refusal, never data.
#[test]
fn a_damaged_index_segment() {
    for harm in [Harm::Flip, Harm::Flip, Harm::Truncate] {
        let mut scene = Scene::new();
        let segment = scene.files_in("index").pop().unwrap();
        scene.harm(&segment, harm);
        // Opened anew: nothing of the segment is in memory.
        scene.service.stop_cleanly();
        scene.service.restart(&scene.ground);
        scene.restore_or_refuse();
        scene.verify_names(&segment);
        scene.heal();
        nothing_left(&scene.ground, &scene.service);
    }
}

#[test]
fn a_damaged_record() {
    for harm in [Harm::Flip, Harm::Truncate, Harm::Remove] {
        let mut scene = Scene::new();
        let record = scene.files_in("points").pop().unwrap();
        let before = scene.harm(&record, harm);
        let api = scene.api();
        let job = api.wait(&api.restore(&scene.point, "copy"));
        let kind = if matches!(harm, Harm::Remove) { "not_found" } else { "integrity" };
        let message = job.failed(kind);
        assert!(message.contains(&scene.point), "{message}");
        assert!(!scene.ground.restores().join("copy").exists());
        let verified = api.verify(&scene.point);
        assert!(verified.failed("integrity").contains(&scene.point), "{:#}", verified.0);
        assert_eq!(api.point(&scene.point)["status"], "error");
        scene.other_is_whole();
        // An incremental cannot build on it, and is whole all the same.
        let next = api.backed_up(&scene.hurt.id, "incremental");
        scene.hurt.check_restore(&api, next["id"].as_str().unwrap(), &scene.truth);
        replace(&record, &before);
        api.verify(&scene.point).succeeded();
        assert!(scene.restore_or_refuse().is_none());
        nothing_left(&scene.ground, &scene.service);
    }
}

/// Config and key slot exist twice.
#[test]
fn a_damaged_config_or_key_slot() {
    let mut scene = Scene::new();
    let repository = scene.ground.repository();
    let key_slots = files(&repository.join("keys"));
    let key_slot = key_slots.iter().find(|file| file.extension().is_none()).unwrap();
    for file in [&repository.join("config"), key_slot] {
        let before = scene.harm(file, Harm::Flip);
        scene.service.stop_cleanly();
        scene.service.restart(&scene.ground);
        assert!(scene.restore_or_refuse().is_none(), "the copy serves");
        scene.verify_names(file);
        replace(file, &before);
        scene.api().verify(&scene.point).succeeded();
    }
    nothing_left(&scene.ground, &scene.service);
}
