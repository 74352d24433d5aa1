use std::collections::BTreeMap;

use firn_core::{Instance, InstanceId, PowerState, UserData};

use super::*;
use crate::{InstanceDetail, PlannedVolume};

fn machine() -> FormerMachine {
    let identity = json!({"domain_name": "i", "memory_bytes": 1, "vcpus": 1, "hypervisor": "kvm",
        "firmware": {"type": "bios"},
        "openstack": {"user_id": "u", "user_data": "c2VjcmV0",
            "scheduler_hints": {"group": "old", "same_host": ["x"]},
            "ports": [{"id": "p1", "network_id": "n", "mac": "m"},
                {"id": "p2", "network_id": "n", "mac": "m", "tag": "wan"}]}});
    let instance = Instance {
        id: InstanceId::new(),
        name: "shop".to_owned(),
        project_id: ProjectId("p".to_owned()),
        power_state: PowerState::ShutOff,
        disks: Vec::new(),
        domain_xml: String::new(),
    };
    let machine = serde_json::from_value(identity).unwrap();
    FormerMachine { detail: InstanceDetail { instance, machine, host: None }, disks: Vec::new() }
}

fn volume(boots: bool, tag: Option<&str>) -> PlannedVolume {
    PlannedVolume { boots, tag: tag.map(str::to_owned), ..PlannedVolume::default() }
}

/// What each disk is made of, whether it is booted from and whether it goes with the server.
fn devices(server: &NewServer) -> Vec<(String, i32, bool)> {
    let of = |device: &BlockDevice| match &device.source {
        BlockDeviceSource::Volume(id) | BlockDeviceSource::Image(id) => id.clone(),
        BlockDeviceSource::Ephemeral { size_gib } => size_gib.to_string(),
    };
    let devices = server.block_devices.iter();
    devices.map(|one| (of(one), one.boot_index, one.delete_on_termination)).collect()
}

#[test]
fn a_server_boots_from_its_volume_and_has_its_ports_and_secrets() {
    let plan = PlannedServer {
        name: "copy".to_owned(),
        server_group_id: Some("new".to_owned()),
        metadata: BTreeMap::from([("backup".to_owned(), "daily".to_owned())]),
        ..PlannedServer::default()
    };
    let root = PlannedVolume { delete_on_termination: true, ..volume(true, None) };
    let parts = ServerParts {
        ports: vec!["q1".to_owned(), "q2".to_owned()],
        volumes: vec![(volume(false, Some("db")), "w1".to_owned()), (root, "w2".to_owned())],
    };
    let restore = RestoreId::new();
    let machine = machine();
    let server = wanted(restore, &plan, &machine, &parts);
    assert_eq!(devices(&server), [("w1".to_owned(), -1, false), ("w2".to_owned(), 0, true)]);
    assert_eq!(server.block_devices[0].tag.as_deref(), Some("db"));
    let NewServerNetworks::These(ports) = &server.networks else { panic!("{server:?}") };
    let ports: Vec<_> = ports
        .iter()
        .map(|port| match port {
            ServerNetwork::Port { id, tag } => (id.as_str(), tag.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ports, [("q1", None), ("q2", Some("wan"))]);
    assert!(marks::of_restore(restore, &server.metadata));
    assert_eq!(server.metadata["backup"], "daily");
    let hints = BTreeMap::from([
        ("group".to_owned(), json!("new")),
        ("same_host".to_owned(), json!(["x"])),
    ]);
    assert_eq!(server.scheduler_hints, hints);
    let kept = machine.detail.machine.openstack.unwrap().user_data;
    assert_eq!(server.user_data.map(UserData), kept);

    let alone =
        wanted(restore, &PlannedServer::default(), &self::machine(), &ServerParts::default());
    assert!(!alone.scheduler_hints.contains_key("group"));
    assert!(matches!(alone.networks, NewServerNetworks::None));
}

#[test]
fn novas_own_disks_are_asked_for_before_volumes() {
    let plan = PlannedServer {
        image_id: Some("i".to_owned()),
        ephemeral_gib: vec![3],
        ..PlannedServer::default()
    };
    let volumes = vec![(volume(false, None), "w1".to_owned())];
    let parts = ServerParts { ports: Vec::new(), volumes };
    let server = wanted(RestoreId::new(), &plan, &machine(), &parts);
    assert_eq!(server.image_id.as_deref(), Some("i"));
    let expected =
        [("i".to_owned(), 0, true), ("3".to_owned(), -1, true), ("w1".to_owned(), -1, false)];
    assert_eq!(devices(&server), expected);
}
