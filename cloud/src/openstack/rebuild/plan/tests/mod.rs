//! Plans of one machine in clouds that differ in one thing each.

mod findings;
mod server;
mod volume;

use std::collections::BTreeSet;

use firn_core::{
    Disk, DiskKind, DiskLocation, Instance, InstanceId, MachineIdentity, NewInstance, NovaFlavor,
    OpenStackServer, PowerState, ProjectId,
};
use serde_json::{Value, json};

use super::Facts;
use crate::openstack::compute::Flavor;
use crate::openstack::rebuild::facts::{GroupFacts, StorageFacts};
use crate::openstack::rebuild::former::Former;
use crate::{FormerDisk, FormerMachine, InstanceDetail, ServerPlan};

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

    fn encrypts(&mut self, volume_type: &str) {
        self.facts.storage.encrypted_types.insert(volume_type.to_owned());
    }

    fn former_flavor(&mut self) -> &mut NovaFlavor {
        self.server().flavor.as_mut().unwrap()
    }

    fn plan(&self) -> ServerPlan {
        super::server(&self.facts, Former::of(&self.machine).unwrap(), &self.wish)
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn storage() -> StorageFacts {
    let usage = json!({"limit": 10, "in_use": 2, "reserved": 0});
    let quota = json!({"volumes": usage, "snapshots": usage, "gigabytes": usage});
    let volume_types = ["fast", "standard"].map(str::to_owned).into();
    StorageFacts {
        volume_types,
        default_type: Some("standard".to_owned()),
        encrypted_types: BTreeSet::new(),
        availability_zones: ["here", "there"].map(str::to_owned).into(),
        quota: read(quota),
    }
}

fn facts() -> Facts {
    let flavor = json!({"id": "f1", "name": "m1", "vcpus": 2, "ram": 512, "disk": 1,
        "OS-FLV-EXT-DATA:ephemeral": 1});
    let limits = json!({"maxTotalInstances": 10, "totalInstancesUsed": 3, "maxTotalCores": -1,
        "totalCoresUsed": 5, "maxTotalRAMSize": 2048, "totalRAMUsed": 1024});
    let network = json!({"id": "n1", "project_id": "p", "subnets": ["s1"]});
    Facts {
        project: ProjectId("p".to_owned()),
        flavors: vec![read(flavor)],
        availability_zones: vec!["nova".to_owned()],
        networks: vec![read(network.clone()), read(json!({"id": "n2"}))],
        ports: Vec::new(),
        security_groups: ["g1", "g2"].map(str::to_owned).into(),
        image_active: true,
        keypair: true,
        server_group: Some(GroupFacts { members_left: None }),
        limits: read(limits),
        port_quota: None,
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
