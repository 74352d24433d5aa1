use firn_core::NovaDisks;
use serde_json::json;

use super::{Case, read};
use crate::{PlannedPort, PlannedServer, PlannedVolume};

#[test]
fn a_server_is_what_it_was_and_boots_from_a_volume() {
    let plan = Case::new().plan();
    assert_eq!(plan.problems, [""; 0]);
    assert_eq!(plan.changes.len(), 1, "{:?}", plan.changes);
    assert!(plan.changes[0].contains("empty ephemeral disk of 1 GiB"));
    let metadata = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let server = PlannedServer {
        name: "shop".to_owned(),
        flavor_id: "f1".to_owned(),
        flavor_name: "m1".to_owned(),
        image_id: None,
        ephemeral_gib: Vec::new(),
        availability_zone: Some("nova".to_owned()),
        key_name: Some("k1".to_owned()),
        server_group_id: Some("sg1".to_owned()),
        config_drive: true,
        metadata: metadata("backup", "daily"),
        tags: vec!["web".to_owned()],
        description: Some("the shop".to_owned()),
    };
    assert_eq!(plan.server, server);
    let port = PlannedPort {
        former_id: "p1".to_owned(),
        name: "front".to_owned(),
        network_id: "n1".to_owned(),
        mac: Some("fa:16:3e:00:00:01".to_owned()),
        addresses: read(json!([{"subnet_id": "s1", "address": "10.0.0.5"}])),
        security_groups: Some(vec!["g1".to_owned(), "g2".to_owned()]),
        open: false,
        allowed_address_pairs: Vec::new(),
        vnic_type: None,
        tag: Some("wan".to_owned()),
    };
    assert_eq!(plan.ports, [port]);
    let root = PlannedVolume {
        device: "vda".to_owned(),
        name: "shop-vda".to_owned(),
        size_gib: 1,
        bootable: true,
        boots: true,
        delete_on_termination: true,
        image_metadata: metadata("hw_disk_bus", "scsi"),
        ..Default::default()
    };
    let ephemeral = PlannedVolume {
        device: "vdb".to_owned(),
        name: "shop-vdb".to_owned(),
        size_gib: 1,
        delete_on_termination: true,
        ..Default::default()
    };
    let data = PlannedVolume {
        device: "vdc".to_owned(),
        name: "data".to_owned(),
        size_gib: 2,
        volume_type: Some("fast".to_owned()),
        availability_zone: Some("here".to_owned()),
        tag: Some("db".to_owned()),
        metadata: metadata("mine", "yes"),
        image_metadata: metadata("os_type", "linux"),
        ..Default::default()
    };
    assert_eq!(plan.volumes, [root, ephemeral, data]);
}

#[test]
fn nova_makes_its_disks_where_that_is_wished() {
    let mut case = Case::new();
    case.wish.nova_disks = NovaDisks::Recreated;
    let plan = case.plan();
    assert_eq!((plan.problems.len(), plan.changes.len()), (0, 0), "{plan:?}");
    assert_eq!(plan.server.image_id.as_deref(), Some("i1"));
    assert_eq!(plan.server.ephemeral_gib, [1]);
    assert_eq!(plan.volumes.iter().map(|one| one.device.as_str()).collect::<Vec<_>>(), ["vdc"]);
}

#[test]
fn wishes_come_before_what_was() {
    let mut case = Case::new();
    let other = json!({"id": "f2", "name": "m2", "vcpus": 1, "ram": 64, "disk": 0});
    case.facts.flavors.push(read(other));
    case.wish = read(json!({"name": "copy", "flavor": "m2", "availability_zone": "nova:node7",
        "key_name": "mine", "networks": {"n1": "n2"}, "volume_types": {"fast": "standard"},
        "volume_type": "fast"}));
    let plan = case.plan();
    assert_eq!(plan.problems, [""; 0]);
    assert!(plan.changes[0].contains("gets new addresses"), "{:?}", plan.changes);
    let server = &plan.server;
    assert_eq!((server.name.as_str(), server.flavor_id.as_str()), ("copy", "f2"));
    assert_eq!(server.availability_zone.as_deref(), Some("nova:node7"));
    assert_eq!(server.key_name.as_deref(), Some("mine"));
    let port = &plan.ports[0];
    assert_eq!((port.network_id.as_str(), &port.mac, port.addresses.len()), ("n2", &None, 0));
    let types: Vec<_> = plan.volumes.iter().filter_map(|one| one.volume_type.as_deref()).collect();
    assert_eq!(types, ["fast", "fast", "standard"]);
    assert_eq!(plan.volumes[0].name, "copy-vda");
}
