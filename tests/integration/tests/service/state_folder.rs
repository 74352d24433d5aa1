//! What the state folder holds, and what the service says where something in it is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use firn_integration_tests::{Change, Format, Ground, MIB, Machine, Service, nothing_left};

fn machine(ground: &Ground) -> Machine {
    Machine::new(ground, "web")
        .disk(ground, "vda", Format::Raw, 8 * MIB, &Change::mixed(8 * MIB, 1))
        .define()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn secrets_are_for_the_owner_alone() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let service = Service::start(&ground);
    service.api().backed_up(&machine.id, "full");
    let key = ground.state().join("firn.key");
    assert_eq!((mode(&ground.state()), mode(&key)), (0o700, 0o600));
    let secret = fs::read_to_string(&key).unwrap();
    let digits = secret.split_whitespace().find(|word| word.len() == 64).expect("64 digits");
    assert!(!service.log().contains(digits), "the key is in the log");
    nothing_left(&ground, &service);
}

#[test]
fn a_missing_key_is_named() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let mut service = Service::start(&ground);
    let point = service.api().backed_up(&machine.id, "full");
    service.stop_cleanly();
    let (key, aside) = (ground.state().join("firn.key"), ground.path().join("aside.key"));
    fs::rename(&key, &aside).unwrap();
    let said = Service::refused(&ground, &[]);
    assert!(said.contains("firn.key") && said.contains("key file"), "{said}");
    assert!(!key.exists(), "a new key would hide that the old one is missing");

    // Another repository's key.
    let other = Ground::new();
    Service::start(&other).stop_cleanly();
    fs::copy(other.state().join("firn.key"), &key).unwrap();
    let said = Service::refused(&ground, &[]);
    assert!(said.contains("key"), "{said}");
    // No key at all.
    fs::write(&key, "not a key\n").unwrap();
    let said = Service::refused(&ground, &[]);
    assert!(said.contains("key"), "{said}");

    fs::rename(&aside, &key).unwrap();
    service.restart(&ground);
    machine.check_restore(&service.api(), point["id"].as_str().unwrap(), &machine.truth());
    nothing_left(&ground, &service);
}

#[test]
fn a_database_that_is_none() {
    let ground = Ground::new();
    Service::start(&ground).stop_cleanly();
    let database = ground.state().join("firn.db");
    let garbage = "this is not a database".repeat(1000);
    for name in ["firn.db-wal", "firn.db-shm"] {
        let _ = fs::remove_file(ground.state().join(name));
    }
    fs::write(&database, &garbage).unwrap();
    let said = Service::refused(&ground, &[]);
    assert!(said.contains("firn.db") || said.contains("database"), "{said}");
    assert_eq!(fs::read_to_string(&database).unwrap(), garbage, "it is not ours to change");
}

#[test]
fn points_and_jobs_are_there_after_a_restart() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let mut service = Service::start(&ground);
    let api = service.api();
    let first = api.backed_up(&machine.id, "full");
    let before = (api.points(), api.list("/v1/jobs", "jobs"));
    service.stop_cleanly();
    service.restart(&ground);
    let api = service.api();
    assert_eq!((api.points(), api.list("/v1/jobs", "jobs")), before);
    let second = api.backed_up(&machine.id, "incremental");
    assert_eq!(second["parent_id"], first["id"]);
    assert_eq!(second["new_bytes"], 0);
    machine.check_restore(&api, first["id"].as_str().unwrap(), &machine.truth());
    nothing_left(&ground, &service);
}
