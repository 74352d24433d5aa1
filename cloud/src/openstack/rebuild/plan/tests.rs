use firn_core::{
    Disk, DiskKind, DiskLocation, Instance, InstanceId, MachineIdentity, NovaDisks, NovaFlavor,
    OpenStackServer, PowerState, ProjectId, VolumeTarget,
};
use serde_json::{Value, json};

use super::*;
use crate::openstack::block_storage::Volume;
use crate::openstack::compute::Flavor;
use crate::openstack::rebuild::facts::StorageFacts;
use crate::{FormerDisk, FormerMachine, InstanceDetail, VolumePlan, VolumeUse};

const GIB: u64 = 1 << 30;

/// A server with a root and an ephemeral disk of Nova's and a volume, and a cloud that has all of
/// it still.
struct Case {
    facts: Facts,
    machine: FormerMachine,
    wish: NewInstance,
}

impl Case {
    fn new() -> Self {
        Self { facts: facts(), machine: machine(), wish: NewInstance::default() }
    }

    fn server(&mut self) -> &mut OpenStackServer {
        self.machine.detail.machine.openstack.as_mut().unwrap()
    }

    fn flavor(&mut self) -> &mut Flavor {
        &mut self.facts.flavors[0]
    }

    fn former_flavor(&mut self) -> &mut NovaFlavor {
        self.server().flavor.as_mut().unwrap()
    }

    fn plan(&self) -> ServerPlan {
        server(&self.facts, Former::of(&self.machine).unwrap(), &self.wish)
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn storage() -> StorageFacts {
    let usage = json!({"limit": 10, "in_use": 2, "reserved": 0});
    let quota = json!({"volumes": usage, "snapshots": usage, "gigabytes": usage});
    let volume_types = ["fast", "standard"].map(str::to_owned).into();
    StorageFacts { volume_types, quota: read(quota) }
}

fn facts() -> Facts {
    let flavor = json!({"id": "f1", "name": "m1", "vcpus": 2, "ram": 512, "disk": 1,
        "OS-FLV-EXT-DATA:ephemeral": 1});
    let limits = json!({"maxTotalInstances": 10, "totalInstancesUsed": 3, "maxTotalCores": -1,
        "totalCoresUsed": 5, "maxTotalRAMSize": 2048, "totalRAMUsed": 1024});
    let network = json!({"id": "n1", "subnets": ["s1"]});
    Facts {
        flavors: vec![read(flavor)],
        availability_zones: vec!["nova".to_owned()],
        networks: vec![read(network.clone()), read(json!({"id": "n2"}))],
        ports: Vec::new(),
        security_groups: ["g1", "g2"].map(str::to_owned).into(),
        image_active: true,
        keypair: true,
        server_group: true,
        limits: read(limits),
        storage: storage(),
    }
}

fn machine() -> FormerMachine {
    let server = json!({
        "user_id": "u", "description": "the shop", "tags": ["web"], "config_drive": true,
        "availability_zone": "nova",
        "flavor": {"name": "m1", "memory_mib": 512, "disk_gib": 1, "ephemeral_gib": 1,
            "swap_mib": 0, "vcpus": 2},
        "image": {"id": "i1", "name": "debian", "properties": {"hw_disk_bus": "scsi"}},
        "keypair": {"name": "k1", "public_key": "ssh"},
        "server_groups": [{"id": "sg1", "name": "apart", "policy": "anti-affinity"}],
        "ports": [{"id": "p1", "name": "front", "network_id": "n1", "mac": "fa:16:3e:00:00:01",
            "fixed_ips": [{"subnet_id": "s1", "address": "10.0.0.5"}],
            "security_groups": ["g1", "g2"], "vnic_type": "normal",
            "port_security_enabled": true, "tag": "wan"}],
        "volumes": [{"id": "v1", "name": "data", "size_gib": 2, "volume_type": "fast",
            "availability_zone": "here", "metadata": {"mine": "yes", "firn_restore": "earlier"},
            "image_metadata": {"os_type": "linux"}, "tag": "db"}],
    });
    let identity = json!({"domain_name": "instance-1", "memory_bytes": 1, "vcpus": 2,
        "hypervisor": "kvm", "firmware": {"type": "bios"}, "openstack": server,
        "metadata": {"backup": "daily", "firn_restore": "earlier"}});
    let disk = |device: &str, kind, serial: Option<&str>| Disk {
        device: device.to_owned(),
        kind,
        bus: "virtio".to_owned(),
        serial: serial.map(str::to_owned),
        boot_order: None,
        read_only: false,
        shareable: false,
        encrypted: false,
        location: DiskLocation::Unknown { description: String::new() },
    };
    let instance = Instance {
        id: InstanceId::new(),
        name: "shop".to_owned(),
        project_id: ProjectId("p".to_owned()),
        power_state: PowerState::Running,
        disks: vec![
            disk("vda", DiskKind::Root, None),
            disk("vdb", DiskKind::Ephemeral, None),
            disk("vdc", DiskKind::Volume, Some("v1")),
            disk("vdd", DiskKind::Swap, None),
        ],
        domain_xml: String::new(),
    };
    let held =
        |device: &str, kind, size_bytes| FormerDisk { device: device.to_owned(), kind, size_bytes };
    FormerMachine {
        detail: InstanceDetail { instance, machine: read::<MachineIdentity>(identity), host: None },
        disks: vec![
            held("vda", DiskKind::Root, GIB),
            held("vdb", DiskKind::Ephemeral, GIB),
            held("vdc", DiskKind::Volume, 2 * GIB - 512),
        ],
    }
}

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
    let port = crate::PlannedPort {
        former_id: "p1".to_owned(),
        name: "front".to_owned(),
        network_id: "n1".to_owned(),
        mac: Some("fa:16:3e:00:00:01".to_owned()),
        addresses: read(json!([{"subnet_id": "s1", "address": "10.0.0.5"}])),
        security_groups: Some(vec!["g1".to_owned(), "g2".to_owned()]),
        tag: Some("wan".to_owned()),
    };
    assert_eq!(plan.ports, [port]);
    let root = crate::PlannedVolume {
        device: "vda".to_owned(),
        name: "shop-vda".to_owned(),
        size_gib: 1,
        bootable: true,
        boots: true,
        delete_on_termination: true,
        image_metadata: metadata("hw_disk_bus", "scsi"),
        ..Default::default()
    };
    let ephemeral = crate::PlannedVolume {
        device: "vdb".to_owned(),
        name: "shop-vdb".to_owned(),
        size_gib: 1,
        delete_on_termination: true,
        ..Default::default()
    };
    let data = crate::PlannedVolume {
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

/// What is done to a case, and words of the sentences that the plan has then beyond those it had.
type Row = (fn(&mut Case), &'static [&'static str]);

fn check(rows: &[Row], sentences: fn(&ServerPlan) -> &Vec<String>) {
    for (index, (alter, expected)) in rows.iter().enumerate() {
        let mut case = Case::new();
        let before = case.plan();
        alter(&mut case);
        let plan = case.plan();
        let new: Vec<_> = sentences(&plan)
            .iter()
            .filter(|sentence| !sentences(&before).contains(sentence))
            .collect();
        assert_eq!(new.len(), expected.len(), "row {index}: {new:?}");
        for (sentence, words) in new.iter().zip(*expected) {
            assert!(sentence.contains(words), "row {index}: {sentence:?} lacks {words:?}");
        }
    }
}

fn taken(mac: &str, address: &str) -> crate::openstack::network::Port {
    read(json!({"id": "x", "network_id": "n1", "mac_address": mac,
        "fixed_ips": [{"ip_address": address}]}))
}

#[test]
fn each_problem_is_told() {
    let rows: &[Row] = &[
        (|case| case.facts.flavors.clear(), &["no flavor named m1 (2 vCPUs, 512 MiB"]),
        (|case| case.server().flavor = None, &["nobody knows which flavor"]),
        (|case| case.wish.flavor = Some("x".into()), &["no flavor x"]),
        (|case| case.flavor().vcpus = 4, &["4 vCPUs instead of 2"]),
        (
            |case| (case.flavor().memory_mib, case.flavor().disk_gib) = (256, 0),
            &["not what it was (256 MiB of memory instead of 512)"],
        ),
        (|case| case.wish.availability_zone = Some("x".into()), &["no availability zone x"]),
        (
            |case| {
                case.facts.keypair = false;
                case.wish.key_name = Some("x".into());
            },
            &["no keypair x"],
        ),
        (|case| case.facts.networks.clear(), &["no network n1"]),
        (|case| case.wish.networks = read(json!({"n1": "x"})), &["no network x"]),
        (|case| case.wish.volume_type = Some("x".into()), &["type x, for vda", "type x, for vdb"]),
        (
            |case| case.facts.storage.volume_types.clear(),
            &["type fast, for vdc: name another one in volume_types, for fast"],
        ),
        (|case| case.server().volumes[0].encrypted = true, &["vdc was encrypted"]),
        (|case| case.machine.detail.instance.disks[0].encrypted = true, &["vda was encrypted"]),
        (|case| drop(case.machine.disks.remove(0)), &["no root disk"]),
        (|case| case.facts.storage.quota.volumes.limit = 4, &["3 volumes"]),
        (|case| case.facts.storage.quota.size_gib.limit = 5, &["4 GiB of volumes are needed"]),
        (|case| case.facts.limits.instances = 3, &["1 servers"]),
        (
            |case| case.facts.limits.cores = 6,
            &["2 vCPUs are needed, and the project's quota has 1"],
        ),
        (|case| case.facts.limits.memory_mib = 1500, &["512 MiB of memory"]),
    ];
    check(rows, |plan| &plan.problems);
}

#[test]
fn each_problem_of_novas_disks_is_told() {
    let rows: &[Row] = &[
        (|case| case.facts.image_active = false, &["image i1"]),
        (|case| case.server().image = None, &["image that nobody knows"]),
        (|case| case.machine.disks[0].size_bytes += 1, &["root disk has 2 GiB"]),
        (|case| case.machine.disks[1].size_bytes += 1, &["ephemeral disks have 2 GiB"]),
        (|case| case.flavor().disk_gib = 2, &["2 GiB of disk instead of 1"]),
        (|case| case.flavor().disk_gib = 0, &["0 GiB of disk instead of 1", "makes 0 GiB"]),
        (|case| (case.former_flavor().disk_gib, case.flavor().disk_gib) = (0, 0), &[]),
    ];
    let rows = rows.iter().map(|(alter, expected)| (*alter, *expected));
    for (alter, expected) in rows {
        let mut case = Case::new();
        case.wish.nova_disks = NovaDisks::Recreated;
        alter(&mut case);
        let plan = case.plan();
        assert_eq!(plan.problems.len(), expected.len(), "{expected:?}: {:?}", plan.problems);
        for (sentence, words) in plan.problems.iter().zip(expected) {
            assert!(sentence.contains(words), "{sentence:?} lacks {words:?}");
        }
    }
}

#[test]
fn each_change_is_told() {
    let rows: &[Row] = &[
        (|case| case.server().locked = true, &["was locked"]),
        (|case| case.facts.availability_zones.clear(), &["no availability zone nova"]),
        (|case| case.facts.keypair = false, &["no keypair k1"]),
        (|case| case.facts.server_group = false, &["no server group apart"]),
        (|case| case.server().lost.push("the TPM".into()), &["not to be had again: the TPM"]),
        (|case| drop(case.machine.disks.remove(1)), &["vdb is not in the restore point"]),
        (|case| case.server().volumes[0].multiattach = true, &["several servers could have vdc"]),
        (|case| case.wish.keep_addresses = false, &["gets new addresses"]),
        (
            |case| case.facts.ports.push(taken("FA:16:3E:00:00:01", "10.0.0.9")),
            &["fa:16:3e:00:00:01 is in use"],
        ),
        (|case| case.facts.ports.push(taken("other", "10.0.0.5")), &["10.0.0.5 is in use"]),
        (|case| case.facts.networks[0].subnets.clear(), &["subnet of 10.0.0.5 is gone"]),
        (
            |case| case.facts.security_groups = ["g2".to_owned()].into(),
            &["no security group g1: the port in the place of p1 only has the others"],
        ),
        (|case| case.facts.security_groups.clear(), &["no security group g1, g2"]),
        (|case| case.server().ports[0].port_security_enabled = Some(false), &["no port security"]),
        (|case| case.server().ports[0].vnic_type = Some("direct".into()), &["as direct"]),
        (
            |case| case.server().ports[0].allowed_address_pairs = read(json!([{}])),
            &["further addresses"],
        ),
    ];
    check(rows, |plan| &plan.changes);
}

#[test]
fn a_port_has_all_of_its_addresses_or_others_and_is_never_more_open() {
    let mut case = Case::new();
    let port = &mut case.server().ports[0];
    port.fixed_ips.push(read(json!({"subnet_id": "s1", "address": "fd00::5"})));
    case.facts.ports.push(taken("other", "fd00::5"));
    case.facts.security_groups.remove("g2");
    let planned = case.plan().ports.remove(0);
    assert_eq!((planned.addresses.len(), planned.mac.is_some()), (0, true));
    assert_eq!(planned.security_groups, Some(vec!["g1".to_owned()]));
    case.facts.security_groups.clear();
    assert_eq!(case.plan().ports[0].security_groups, None);
}

fn volume_wish(device: &str) -> VolumeTarget {
    read(json!({ "device": device }))
}

#[test]
fn a_disk_becomes_a_volume() {
    let made = |wish: &VolumeTarget| {
        let plan = new_volume(&storage(), &machine(), wish);
        let VolumePlan { volume: VolumeUse::Make(volume), problems, .. } = plan else {
            panic!("{plan:?}")
        };
        (volume, problems)
    };
    let (root, problems) = made(&volume_wish("vda"));
    assert_eq!(problems, [""; 0]);
    assert_eq!((root.name.as_str(), root.bootable, root.boots), ("shop-vda", true, false));
    assert_eq!(root.image_metadata["hw_disk_bus"], "scsi");

    let (data, problems) = made(&volume_wish("vdc"));
    assert_eq!(problems, [""; 0]);
    assert_eq!((data.name.as_str(), data.volume_type.as_deref()), ("data", Some("fast")));
    assert_eq!((data.tag, data.delete_on_termination), (None, false));

    let wish = json!({"device": "vdc", "name": "copy", "volume_type": "x",
        "availability_zone": "there"});
    let (copy, problems) = made(&read(wish));
    assert!(problems[0].contains("no volume type x"), "{problems:?}");
    assert_eq!((copy.name.as_str(), copy.availability_zone.as_deref()), ("copy", Some("there")));

    let (_, problems) = made(&volume_wish("vdz"));
    assert_eq!(problems, ["the restore point has no disk vdz: it has vda, vdb, vdc"]);

    let mut full = storage();
    full.quota.volumes.limit = 2;
    let plan = new_volume(&full, &machine(), &volume_wish("vda"));
    assert!(plan.problems[0].contains("1 volumes are needed"), "{:?}", plan.problems);
}

#[test]
fn a_volume_is_replaced_where_that_works() {
    let rows: [(Value, &[&str]); 6] = [
        (json!({}), &[]),
        (json!({"os-vol-tenant-attr:tenant_id": "other"}), &["has no volume v9"]),
        (json!({"status": "in-use"}), &["v9 is in-use"]),
        (json!({"encrypted": true}), &["v9 is encrypted"]),
        (json!({"size": 1}), &["v9 has 1 GiB, and vdc has 2"]),
        (json!({"size": 1, "status": "error"}), &["v9 is error", "v9 has 1 GiB"]),
    ];
    for (alter, expected) in rows {
        let mut volume = json!({"id": "v9", "status": "available", "size": 2,
            "os-vol-tenant-attr:tenant_id": "p"});
        volume.as_object_mut().unwrap().extend(alter.as_object().unwrap().clone());
        let volume: Volume = read(volume);
        let project = ProjectId("p".to_owned());
        let wish = volume_wish("vdc");
        let plan = replaced_volume(Some(&volume), &project, &machine(), &wish, "v9");
        assert_eq!(plan.problems.len(), expected.len(), "{alter}: {:?}", plan.problems);
        for (sentence, words) in plan.problems.iter().zip(expected) {
            assert!(sentence.contains(words), "{sentence:?} lacks {words:?}");
        }
    }
    let project = ProjectId("p".to_owned());
    let absent = replaced_volume(None, &project, &machine(), &volume_wish("vdx"), "v9");
    assert_eq!(absent.problems.len(), 2, "{:?}", absent.problems);
    let mut machine = machine();
    machine.detail.instance.disks[2].encrypted = true;
    let available: Volume = read(json!({"id": "v9", "status": "available", "size": 2,
        "os-vol-tenant-attr:tenant_id": "p"}));
    let wish = volume_wish("vdc");
    let plan = replaced_volume(Some(&available), &project, &machine, &wish, "v9");
    assert!(plan.problems[0].contains("vdc was encrypted"), "{:?}", plan.problems);
}
