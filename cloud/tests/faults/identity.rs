//! What is kept of a server, and what of it is named as lost.

use std::sync::Arc;

use async_trait::async_trait;
use firn_cloud::openstack::network::{Network as _, Neutron};
use firn_cloud::openstack::{Hypervisors, OpenStackCloud, Services, ServicesOptions};
use firn_cloud::{Cloud as _, CloudError, InstanceDetail};
use firn_core::{DiskKind, InstanceId, ProjectId};
use serde_json::{Value, json};

use crate::scripted::{Cloud, patient};

const SERVER: &str = "11111111-1111-4111-8111-111111111111";
const DATA: &str = "22222222-2222-4222-8222-222222222222";
const SECRET: &str = "33333333-3333-4333-8333-333333333333";

/// A hypervisor with one domain.
struct Host(InstanceDetail);

#[async_trait]
impl Hypervisors for Host {
    async fn domain(&self, host: &str, _id: InstanceId) -> Result<InstanceDetail, CloudError> {
        assert_eq!(host, "node1");
        Ok(self.0.clone())
    }
}

/// A UEFI guest with a virtual TPM, a root disk and a configuration drive of Nova's, and two volumes.
fn domain() -> InstanceDetail {
    let rbd = |image: String| json!({"type": "rbd", "pool": "p", "image": image, "monitors": []});
    let nova = |device: &str, kind: &str, suffix: &str| {
        json!({"device": device, "kind": kind, "bus": "virtio", "read_only": false,
            "location": rbd(format!("{SERVER}_disk{suffix}"))})
    };
    let volume = |device: &str, id: &str, boot_order: Option<u32>| {
        json!({"device": device, "kind": "volume", "bus": "scsi", "serial": id,
            "boot_order": boot_order, "read_only": false, "location": rbd(format!("volume-{id}"))})
    };
    let mut root = nova("vda", "root", "");
    root["boot_order"] = json!(1);
    let disks = [
        root,
        volume("sda", DATA, Some(2)),
        volume("sdb", SECRET, None),
        nova("vdb", "config_drive", ".config"),
    ];
    let detail = json!({
        "instance": {"id": SERVER, "name": "instance-1", "project_id": "p1",
            "power_state": "running", "disks": disks, "domain_xml": "<domain/>"},
        "machine": {"domain_name": "instance-1", "memory_bytes": 1 << 29, "vcpus": 2,
            "hypervisor": "kvm", "firmware": {"type": "uefi", "secure_boot": true}, "tpm": true},
        "host": "node1",
    });
    serde_json::from_value(detail).unwrap()
}

fn server() -> Value {
    json!({
        "id": SERVER, "name": "shop", "status": "ACTIVE", "tenant_id": "p1", "user_id": "u",
        "created": "2026-01-02T00:00:00Z", "description": "the shop", "locked": true,
        "key_name": "k1", "config_drive": "True", "server_groups": ["g1"], "tags": ["web"],
        "metadata": {"backup": "daily"},
        "flavor": {"original_name": "m1", "vcpus": 2, "ram": 512, "disk": 1, "ephemeral": 0,
            "swap": 0, "extra_specs": {"hw:tpm_version": "2.0", "pci_passthrough:alias": "card:1",
                "resources:VGPU": "1"}},
        "image": {"id": "i1", "links": [],
            "properties": {"hw_firmware_type": "uefi", "base_image_ref": "i0", "min_disk": "1"}},
        "scheduler_hints": {"group": "g1"},
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-EXT-SRV-ATTR:host": "node1",
        "OS-EXT-SRV-ATTR:hostname": "shop",
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "OS-EXT-SRV-ATTR:user_data": "aGVsbG8=",
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
    })
}

fn port(id: &str, mac: &str, address: &str) -> Value {
    json!({"id": id, "name": id, "network_id": "n1", "project_id": "p1", "mac_address": mac,
        "fixed_ips": [{"subnet_id": "s1", "ip_address": address}], "security_groups": ["sg1"],
        "binding:vnic_type": "normal", "port_security_enabled": true,
        "allowed_address_pairs": [{"ip_address": "10.0.0.99"}], "qos_policy_id": null,
        "dns_name": "shop", "dns_domain": ""})
}

/// The cloud of a server, path by path.
fn paths(server: &Value) -> Vec<(String, Value)> {
    let attachment = |id: &str, device: &str, tag: Option<&str>| {
        json!({"volumeId": id, "device": device, "tag": tag,
            "delete_on_termination": false})
    };
    let volume = |id: &str, name: &str| {
        json!({"id": id, "name": name, "status": "in-use", "size": 2, "volume_type": "fast",
            "availability_zone": "nova", "bootable": "false"})
    };
    let mut data = volume(DATA, "data");
    data["metadata"] = json!({"owner": "ann"});
    let mut secret = volume(SECRET, "secret");
    secret["encrypted"] = json!(true);
    secret["encryption_key_id"] = json!("key1");
    let front = port("p1", "FA:16:3E:00:00:01", "10.0.0.5");
    let mut back = port("p2", "fa:16:3e:00:00:02", "10.0.0.6");
    back["qos_policy_id"] = json!("q1");
    back["dns_name"] = json!("db");
    back["dns_domain"] = json!("example.org.");
    back["trunk_details"] = json!({"trunk_id": "t1", "sub_ports": [
        {"port_id": "p3", "segmentation_id": 7}, {"port_id": "p4", "segmentation_id": 8}]});
    let interface = |id: &str, tag: Option<&str>| {
        json!({"port_id": id, "net_id": "n1", "mac_addr": "x",
            "tag": tag})
    };
    let nova = |path: &str| format!("/compute/v2.1/{path}");
    let cinder = |path: &str| format!("/volume/v3/p1/{path}");
    let neutron = |path: &str| format!("/network/v2.0/{path}");
    vec![
        (nova(&format!("servers/{SERVER}")), json!({ "server": server })),
        (
            nova(&format!("servers/{SERVER}/os-volume_attachments")),
            json!({"volumeAttachments": [attachment(DATA, "/dev/sda", Some("db")),
                attachment(SECRET, "/dev/sdb", None)]}),
        ),
        (
            nova(&format!("servers/{SERVER}/os-interface")),
            json!({"interfaceAttachments": [interface("p2", None), interface("p1", Some("wan"))]}),
        ),
        (
            nova("os-keypairs/k1"),
            json!({"keypair": {"name": "k1", "type": "ssh", "public_key": "ssh-ed25519 AAAA"}}),
        ),
        (
            nova("os-server-groups/g1"),
            json!({"server_group": {"id": "g1", "name": "apart", "policy": "anti-affinity",
                "members": [SERVER]}}),
        ),
        (cinder(&format!("volumes/{DATA}")), json!({ "volume": data })),
        (cinder(&format!("volumes/{SECRET}")), json!({ "volume": secret })),
        (neutron("ports"), json!({"ports": [front, back]})),
        (
            neutron("floatingips"),
            json!({"floatingips": [{"id": "f1", "floating_ip_address": "203.0.113.7",
                "port_id": "p1"}]}),
        ),
        (
            "/image/v2/images/i1".to_owned(),
            json!({"id": "i1", "name": "debian", "status": "active", "hw_firmware_type": "bios",
                "updated_at": "2026-03-04T00:00:00Z", "min_disk": 9}),
        ),
    ]
}

async fn captured(cloud: &Cloud) -> InstanceDetail {
    let options = ServicesOptions {
        compute: patient(),
        block_storage: patient(),
        network: patient(),
        images: patient(),
    };
    let services = Services::new(&cloud.session(), &options);
    let cloud = OpenStackCloud::new(services, Arc::new(Host(domain())));
    cloud.instance_get(SERVER.parse().unwrap()).await.unwrap()
}

/// Whether each line has its words, and there is no other.
fn check_lost(lost: &[String], expected: &[&str]) {
    assert_eq!(lost.len(), expected.len(), "{lost:#?}");
    for (line, words) in lost.iter().zip(expected) {
        assert!(line.contains(words), "{line:?} lacks {words:?}");
    }
}

#[tokio::test]
async fn a_server_is_kept_with_all_that_makes_it_itself() {
    let cloud = Cloud::of_paths("2.100", paths(&server())).await;
    let detail = captured(&cloud).await;
    let floating = cloud.seen().into_iter().find(|seen| seen.path().ends_with("floatingips"));
    let asked = floating.unwrap().line;
    assert!(asked.contains("port_id=p1") && asked.contains("port_id=p2"), "{asked}");

    let disks: Vec<_> = detail
        .instance
        .disks
        .iter()
        .map(|disk| (disk.device.as_str(), disk.kind, disk.boot_order, disk.encrypted))
        .collect();
    let expected = [
        ("vda", DiskKind::Root, Some(1), false),
        ("sda", DiskKind::Volume, Some(2), false),
        ("sdb", DiskKind::Volume, None, true),
        ("vdb", DiskKind::ConfigDrive, None, false),
    ];
    assert_eq!(disks, expected);
    assert_eq!(detail.instance.name, "shop");
    assert_eq!(detail.machine.metadata["backup"], "daily");

    let mut identity = serde_json::to_value(detail.machine.openstack.unwrap()).unwrap();
    let lost = identity.as_object_mut().unwrap().remove("lost").unwrap();
    let kept_port = |id: &str, mac: &str, address: &str| {
        json!({"id": id, "name": id, "network_id": "n1", "mac": mac,
            "fixed_ips": [{"subnet_id": "s1", "address": address}], "security_groups": ["sg1"],
            "vnic_type": "normal", "port_security_enabled": true,
            "allowed_address_pairs": [{"ip_address": "10.0.0.99"}]})
    };
    let mut wan = kept_port("p1", "fa:16:3e:00:00:01", "10.0.0.5");
    wan["tag"] = json!("wan");
    let kept_volume = |id: &str, name: &str, device: &str, encrypted: bool| {
        json!({"id": id, "name": name, "size_gib": 2, "volume_type": "fast",
            "availability_zone": "nova", "bootable": false, "multiattach": false,
            "encrypted": encrypted, "device": device, "delete_on_termination": false})
    };
    let mut data = kept_volume(DATA, "data", "/dev/sda", false);
    data["tag"] = json!("db");
    data["metadata"] = json!({"owner": "ann"});
    let expected = json!({
        "user_id": "u", "description": "the shop", "hostname": "shop", "locked": true,
        "availability_zone": "nova",
        "flavor": {"name": "m1", "memory_mib": 512, "disk_gib": 1, "ephemeral_gib": 0,
            "swap_mib": 0, "vcpus": 2, "extra_specs": {"hw:tpm_version": "2.0",
                "pci_passthrough:alias": "card:1", "resources:VGPU": "1"}},
        // As it was when the server was made, not as Glance has it now.
        "image": {"id": "i1", "name": "debian",
            "properties": {"hw_firmware_type": "uefi", "min_disk": "1"}},
        "keypair": {"name": "k1", "public_key": "ssh-ed25519 AAAA"},
        "tags": ["web"],
        "server_groups": [{"id": "g1", "name": "apart", "policy": "anti-affinity"}],
        "scheduler_hints": {"group": "g1"},
        "config_drive": true,
        "user_data": "aGVsbG8=",
        "ports": [kept_port("p2", "fa:16:3e:00:00:02", "10.0.0.6"), wan],
        "volumes": [data, kept_volume(SECRET, "secret", "/dev/sdb", true)],
    });
    assert_eq!(identity, expected);

    let lost: Vec<String> = serde_json::from_value(lost).unwrap();
    let expected = [
        "the QoS policy q1 of port p2: set it",
        "the trunk t1 of port p2, with the sub-ports [p3, p4]: make",
        "the DNS name db.example.org. of port p2: set it",
        "the floating address 203.0.113.7 of port p1: associate it",
        "devices of the host held (pci_passthrough:alias=card:1, resources:VGPU=1)",
        "the state of the virtual TPM",
        "the variables of the UEFI firmware",
        &format!("the key key1 of the encrypted volume {SECRET}: Cinder deletes it"),
    ];
    check_lost(&lost, &expected);
}

#[tokio::test]
async fn what_an_older_cloud_does_not_tell_is_named_as_lost() {
    let mut server = server();
    server["image"] = json!({"id": "i1"});
    server.as_object_mut().unwrap().remove("scheduler_hints");
    let hints = "scheduler hints beside server groups";
    let devices = ["devices of the host", "virtual TPM", "UEFI", "the key key1"];
    let of = |told: Vec<(String, Value)>| async move {
        let cloud = Cloud::of_paths("2.93", told).await;
        captured(&cloud).await.machine.openstack.unwrap()
    };

    // Glance tells the properties of now, and there is no router in this cloud.
    let mut told = paths(&server);
    told.retain(|(path, _)| !path.ends_with("/floatingips"));
    let identity = of(told).await;
    let image = identity.image.unwrap();
    assert_eq!(image.properties["hw_firmware_type"], "bios");
    let mut expected = vec!["the properties that the image i1 had", hints];
    expected.extend(["QoS policy", "trunk", "DNS name"]);
    expected.extend(devices);
    check_lost(&identity.lost, &expected);

    // An image that was not changed since is as it was.
    server["created"] = json!("2026-05-06T00:00:00Z");
    let identity = of(paths(&server)).await;
    assert!(identity.lost[0].contains(hints), "{:?}", identity.lost);

    // All that the server names is deleted, and so is one of its ports.
    let mut told = paths(&server);
    let gone = ["/images/i1", "/os-keypairs/k1", "/os-server-groups/g1"];
    told.retain(|(path, _)| !gone.iter().any(|end| path.ends_with(end)));
    for (path, body) in &mut told {
        if path.ends_with("/ports") {
            body["ports"].as_array_mut().unwrap().pop();
        }
    }
    let identity = of(told).await;
    assert!(identity.image.unwrap().properties.is_empty());
    assert_eq!(identity.ports.len(), 1);
    let mut expected = vec!["the image i1 is deleted, and its properties with it"];
    expected.extend(["the keypair k1", "the server group g1", hints]);
    expected.extend(["does not know the port p2", "203.0.113.7"]);
    expected.extend(devices);
    check_lost(&identity.lost, &expected);
}

#[tokio::test]
async fn a_deleted_image_is_kept_where_nova_tells_it() {
    let mut told = paths(&server());
    told.retain(|(path, _)| !path.ends_with("/images/i1"));
    let cloud = Cloud::of_paths("2.98", told).await;
    let identity = captured(&cloud).await.machine.openstack.unwrap();
    let image = identity.image.unwrap();
    assert_eq!((image.name, image.properties["hw_firmware_type"].as_str()), (None, "uefi"));
    assert!(identity.lost[0].contains("the image i1 is deleted: Nova cannot make"));
}

#[tokio::test]
async fn the_quota_of_ports_is_unknown_where_neutron_keeps_it_to_itself() {
    let details = json!({"quota": {"port": {"limit": 10, "used": 3, "reserved": 1}}});
    let path = "/network/v2.0/quotas/p1/details.json".to_owned();
    for (told, expected) in [(vec![(path, details)], Some(Some(6))), (Vec::new(), None)] {
        let cloud = Cloud::of_paths("2.93", told).await;
        let network = Neutron::new(cloud.session(), patient());
        let quota = network.port_quota(&ProjectId("p1".to_owned())).await.unwrap();
        assert_eq!(quota.map(|quota| quota.left()), expected);
    }
}
