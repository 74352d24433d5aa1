use std::collections::BTreeMap;
use std::process::Command;

use firn_cloud::openstack::compute::{BlockDevice, BlockDeviceSource, NewAttachment, NewServer};
use firn_cloud::{Cloud, InstanceDetail};
use firn_core::{DiskKind, DiskLocation, ErrorKind, InstanceId, PowerState, UserData};

use crate::ground::{Ground, PATIENCE, on_cloud};

/// Device, kind and RBD image of each disk.
fn disks(detail: &InstanceDetail) -> Vec<(&str, DiskKind, String)> {
    let image = |location: &DiskLocation| match location {
        DiskLocation::Rbd { pool, image, .. } => format!("{pool}/{image}"),
        other => panic!("{other:?}"),
    };
    let disks = detail.instance.disks.iter();
    disks.map(|disk| (disk.device.as_str(), disk.kind, image(&disk.location))).collect()
}

fn attachment(volume_id: &str, delete_on_termination: bool) -> NewAttachment {
    let volume_id = volume_id.to_owned();
    NewAttachment { volume_id, device: None, tag: None, delete_on_termination }
}

/// Something that nobody tells Nova of.
fn virsh(ground: &Ground, arguments: &[&str]) {
    let socket = ground.state.join("libvirt/run/libvirt-sock");
    let output = Command::new("timeout")
        .args(["60", "virsh", "-q", "-c"])
        .arg(format!("qemu:///system?socket={}", socket.display()))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn an_instance_is_what_nova_cinder_and_its_hypervisor_say() {
    on_cloud(async |ground| {
        let wanted = NewServer {
            metadata: BTreeMap::from([("backup".to_owned(), "daily".to_owned())]),
            tags: vec!["web".to_owned()],
            description: Some("the shop".to_owned()),
            user_data: Some("aGVsbG8=".to_owned()),
            ..ground.new_server("root-ephemeral").await
        };
        let server = ground.boot(&ground.alpha, &wanted).await;
        let fast = ground.volume(&ground.alpha, "fast").await;
        let standard = ground.volume(&ground.alpha, "standard").await;
        let storage = &ground.service.services.block_storage;
        let compute = &ground.alpha.services.compute;
        for (volume, goes_too) in [(&fast, true), (&standard, false)] {
            compute.volume_attach(&server.id, &attachment(&volume.id, goes_too)).await.unwrap();
            storage.volume_wait(&volume.id, "in-use", PATIENCE).await.unwrap();
        }
        let id: InstanceId = server.id.parse().unwrap();
        let cloud = ground.cloud();

        let detail = cloud.instance_get(id).await.unwrap();
        let expected = vec![
            ("vda", DiskKind::Root, format!("vms/{id}_disk")),
            ("vdb", DiskKind::Ephemeral, format!("vms/{id}_disk.eph0")),
            ("vdc", DiskKind::Volume, format!("volumes-fast/volume-{}", fast.id)),
            ("vdd", DiskKind::Volume, format!("volumes/volume-{}", standard.id)),
        ];
        assert_eq!(disks(&detail), expected);
        assert_eq!(detail.instance.name, wanted.name);
        assert_eq!(detail.instance.project_id, ground.alpha.project);
        assert_eq!(detail.instance.power_state, PowerState::Running);
        assert_eq!(detail.machine.metadata, wanted.metadata);

        let identity = detail.machine.openstack.as_ref().unwrap();
        let flavor = identity.flavor.as_ref().unwrap();
        let size = (flavor.vcpus, flavor.memory_mib, flavor.disk_gib, flavor.ephemeral_gib);
        assert_eq!((flavor.name.as_str(), size), ("root-ephemeral", (1, 192, 1, 1)));
        let image = identity.image.as_ref().unwrap();
        assert_eq!(image.name.as_deref(), Some("console-guest"));
        assert_eq!(image.properties["min_disk"], "1");
        assert_eq!(identity.tags, wanted.tags);
        assert_eq!(identity.description, wanted.description);
        assert_eq!(identity.user_data, wanted.user_data.map(UserData));
        assert_eq!(identity.availability_zone.as_deref(), Some("nova"));
        assert!(!identity.config_drive && !identity.locked && identity.keypair.is_none());
        let volumes = identity.volumes.iter();
        let volumes: Vec<_> = volumes
            .map(|volume| {
                let (kind, device) = (volume.volume_type.as_deref(), volume.device.as_deref());
                (volume.id.as_str(), kind, device, volume.delete_on_termination)
            })
            .collect();
        let expected = [
            (fast.id.as_str(), Some("fast"), Some("/dev/vdc"), true),
            (standard.id.as_str(), Some("standard"), Some("/dev/vdd"), false),
        ];
        assert_eq!(volumes, expected, "in the order in which they were attached");
        assert_eq!(identity.lost.len(), 1, "{:?}", identity.lost);
        assert!(identity.lost[0].contains("scheduler hints"), "{:?}", identity.lost);

        // Off, it has the same disks.
        compute.server_stop(&server.id).await.unwrap();
        compute.server_wait(&server.id, "SHUTOFF", PATIENCE).await.unwrap();
        assert_eq!(cloud.power_state(id).await.unwrap(), PowerState::ShutOff);
        let off = cloud.instance_get(id).await.unwrap();
        assert_eq!(off.instance.power_state, PowerState::ShutOff);
        assert_eq!(off.instance.disks, detail.instance.disks);

        // A volume that is gone from the domain is still one of Nova's.
        virsh(&ground, &["detach-disk", &server.id, "vdd", "--config"]);
        let error = cloud.instance_get(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(&standard.id) && cause.contains("not in the domain"), "{cause}");

        compute.volume_detach(&server.id, &standard.id).await.unwrap();
        compute.volume_wait_detached(&server.id, &standard.id, PATIENCE).await.unwrap();
        compute.volume_detach(&server.id, &standard.id).await.unwrap();
        let detail = cloud.instance_get(id).await.unwrap();
        assert_eq!(detail.instance.disks.len(), 3);
        assert_eq!(detail.machine.openstack.unwrap().volumes.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_server_may_boot_from_a_volume_and_have_a_configuration_drive() {
    on_cloud(async |ground| {
        let volume = ground.volume(&ground.alpha, "standard").await;
        let storage = &ground.service.services.block_storage;
        storage.volume_set_bootable(&volume.id, true).await.unwrap();
        let root = BlockDevice {
            source: BlockDeviceSource::Volume(volume.id.clone()),
            boot_index: 0,
            delete_on_termination: false,
            device_name: None,
            disk_bus: None,
            tag: Some("root".to_owned()),
        };
        let wanted = NewServer {
            image_id: None,
            block_devices: vec![root],
            config_drive: true,
            ..ground.new_server("volume").await
        };
        let server = ground.boot(&ground.alpha, &wanted).await;
        let id: InstanceId = server.id.parse().unwrap();
        let detail = ground.cloud().instance_get(id).await.unwrap();
        let mut found: Vec<_> =
            disks(&detail).into_iter().map(|(_, kind, image)| (image, kind)).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            (format!("vms/{id}_disk.config"), DiskKind::ConfigDrive),
            (format!("volumes/volume-{}", volume.id), DiskKind::Root),
        ];
        assert_eq!(found, expected);
        let identity = detail.machine.openstack.unwrap();
        assert!(identity.config_drive && identity.image.is_none());
        assert_eq!(identity.volumes[0].tag.as_deref(), Some("root"));
        assert!(identity.volumes[0].bootable);
    })
    .await;
}
