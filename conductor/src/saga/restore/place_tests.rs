use firn_cloud::FormerDisk;
use serde_json::json;

use super::*;

fn disk(device: &str, kind: &str, serial: Option<&str>) -> Disk {
    serde_json::from_value(json!({
        "device": device, "kind": kind, "bus": "virtio", "serial": serial,
        "location": { "type": "rbd", "pool": "p", "image": device },
    }))
    .unwrap()
}

fn machine(disks: &[(&str, DiskKind)]) -> FormerMachine {
    let detail = serde_json::from_value(json!({
        "instance": {
            "id": uuid::Uuid::nil(), "name": "n", "project_id": "p", "power_state": "shut_off",
            "disks": [], "domain_xml": "",
        },
        "machine": {
            "domain_name": "d", "memory_bytes": 1, "vcpus": 1, "hypervisor": "qemu",
            "firmware": { "type": "bios" },
        },
    }))
    .unwrap();
    let disks = disks.iter().map(|(device, kind)| FormerDisk {
        device: (*device).to_owned(),
        kind: *kind,
        size_bytes: 1,
    });
    FormerMachine { detail, disks: disks.collect() }
}

/// Nova names devices anew, so a name says nothing.
#[test]
fn disks_of_a_new_instance_are_known_by_volume_and_by_kind() {
    use DiskKind::{Ephemeral, Root, Volume};
    let former =
        [("vda", Root), ("vdb", Ephemeral), ("vdc", Volume), ("vdd", Ephemeral), ("vde", Volume)];
    let made = [
        disk("vda", "root", None),
        disk("vdb", "ephemeral", None),
        disk("vdc", "ephemeral", None),
        disk("vdd", "volume", Some("e")),
        disk("vde", "volume", Some("c")),
        disk("vdf", "config_drive", None),
    ];
    let volumes = [("vdc", "c"), ("vde", "e")];
    let volumes: MadeVolumes =
        volumes.into_iter().map(|(disk, id)| (disk.to_owned(), id.to_owned())).collect();
    let machine = machine(&former);
    let found = counterparts(&machine, &made, &volumes);
    let found: Vec<_> =
        found.iter().map(|(device, disk)| (*device, disk.map(|disk| &*disk.device))).collect();
    let expected = [("vda", "vda"), ("vdb", "vdb"), ("vdc", "vde"), ("vdd", "vdc"), ("vde", "vdd")];
    assert_eq!(found, expected.map(|(device, disk)| (device, Some(disk))));

    let without = counterparts(&machine, &made[..4], &volumes);
    assert_eq!(without[2], ("vdc", None), "a volume that is not attached is missing");
}

#[test]
fn an_instance_is_restored_onto_its_own_disks_only() {
    let volume = |device, id| disk(device, "volume", Some(id));
    assert!(same(&volume("vdb", "v"), &volume("vdc", "v")), "attached again elsewhere");
    assert!(!same(&volume("vdb", "v"), &volume("vdb", "w")), "another volume in its place");
    let root = disk("vda", "root", None);
    assert!(same(&root, &root));
    assert!(!same(&root, &disk("vdb", "ephemeral", None)));
    assert!(!same(&volume("vdb", "v"), &disk("vdb", "volume", None)));
}

#[test]
fn an_instance_that_cannot_be_shut_off_is_not_restored() {
    assert_eq!(neither_on_nor_off(PowerState::Running, None), None);
    assert_eq!(neither_on_nor_off(PowerState::ShutOff, None), None);
    // A rescued one runs, and a paused one has its disks open.
    for (power, status) in [
        (PowerState::Running, "RESCUE"),
        (PowerState::Running, "PAUSED"),
        (PowerState::ShutOff, "ERROR"),
    ] {
        let problem = neither_on_nor_off(power, Some(status)).unwrap();
        assert!(problem.contains(&format!("is {status}: start it")), "{problem}");
    }
    let problem = neither_on_nor_off(PowerState::Unknown, None).unwrap();
    assert!(problem.contains("neither runs nor is off"), "{problem}");
}

#[test]
fn a_disk_of_several_instances_is_not_written_to_in_place() {
    let disk = |shareable| Disk { shareable, ..disk("vdb", "volume", Some("v")) };
    assert_eq!(of_others_too(&disk(false)), None);
    let problem = of_others_too(&disk(true)).unwrap();
    assert!(problem.contains("vdb") && problem.contains("detach it from all"), "{problem}");
}

#[test]
fn bytes_go_where_the_same_key_reads_them() {
    let disk = |encrypted| Disk { encrypted, ..disk("vdb", "volume", Some("v")) };
    let (plain, encrypted) = (disk(false), disk(true));
    assert_eq!(other_encryption(&plain, &plain), None);
    assert_eq!(other_encryption(&encrypted, &encrypted), None);
    let now_encrypted = other_encryption(&plain, &encrypted).unwrap();
    assert!(now_encrypted.contains("retype its volume back"), "{now_encrypted}");
    let now_plain = other_encryption(&encrypted, &plain).unwrap();
    assert!(now_plain.contains("restore to a file"), "{now_plain}");

    check_plain("vdb", &plain).unwrap();
    let error = check_plain("vdb", &encrypted).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("for vdb is encrypted"), "{}", error.message);
}
