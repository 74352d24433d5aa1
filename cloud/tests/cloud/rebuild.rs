use firn_cloud::openstack::block_storage::NewVolume;
use firn_cloud::openstack::compute::NewAttachment;
use firn_cloud::openstack::identity::Trusts;
use firn_cloud::openstack::network::{NewPort, Port, PortFilter};
use firn_cloud::openstack::{ClientOptions, OpenStackRebuild};
use firn_cloud::{
    Cloud, FormerDisk, FormerMachine, Grant, PlannedPort, PlannedVolume, Rebuild, ServerParts,
    VolumeUse,
};
use firn_core::{
    DiskKind, DiskLocation, ErrorKind, NewInstance, NovaDisks, PortAddress, RestoreId, ServerPort,
    VolumeTarget,
};
use keystone_middleware_rs::Interface;

use crate::ground::{Account, Ground, PATIENCE, on_cloud, same, unique};

/// Restores as the service user, and what an account leaves behind for one.
async fn rebuild(ground: &Ground, owner: &Account) -> (OpenStackRebuild, Grant) {
    let options = ClientOptions { interface: Interface::Public, ..ClientOptions::default() };
    let trusts = Trusts::new(ground.service.session.clone());
    let (token, context) =
        (owner.session.token().await.unwrap(), owner.session.context().await.unwrap());
    let trust_id = trusts.create(&token, &context).await.unwrap();
    ground.note_trust(&trust_id);
    let grant = Grant {
        trust_id: Some(trust_id),
        project_id: owner.project.clone(),
        user_id: context.user.id.clone(),
    };
    (OpenStackRebuild::new(ground.service.services.clone(), trusts, same(options)), grant)
}

/// A server of alpha's with an ephemeral disk and a volume, as a restore point would have it.
async fn backed_up(ground: &Ground) -> FormerMachine {
    let wanted = ground.new_server("root-ephemeral").await;
    let server = ground.boot(&ground.alpha, &wanted).await;
    let volume = ground.volume(&ground.alpha, "fast").await;
    let attachment = NewAttachment {
        volume_id: volume.id.clone(),
        device: None,
        tag: None,
        delete_on_termination: false,
    };
    ground.alpha.services.compute.volume_attach(&server.id, &attachment).await.unwrap();
    let storage = &ground.service.services.block_storage;
    storage.volume_wait(&volume.id, "in-use", PATIENCE).await.unwrap();
    let detail = ground.cloud().instance_get(server.id.parse().unwrap()).await.unwrap();
    let disks = detail.instance.disks.iter().map(|disk| FormerDisk {
        device: disk.device.clone(),
        kind: disk.kind,
        size_bytes: 1 << 30,
    });
    FormerMachine { disks: disks.collect(), detail }
}

/// A port on the network that all projects share.
async fn port(ground: &Ground, address: &str) -> Port {
    let network = &ground.service.services.network;
    let networks = network.network_list().await.unwrap();
    let shared = networks.into_iter().find(|one| one.name == "shared").unwrap();
    let wanted = NewPort {
        network_id: shared.id,
        project_id: Some(ground.alpha.project.0.clone()),
        name: unique("port"),
        fixed_ips: Some(vec![firn_cloud::openstack::compute::FixedIp {
            subnet_id: None,
            ip_address: Some(address.to_owned()),
        }]),
        ..NewPort::default()
    };
    let port = network.port_create(&wanted).await.unwrap();
    ground.note_port(&port.id);
    port
}

/// A port as a server had it: this cloud has no agent that could bind one.
fn former(port: &Port) -> ServerPort {
    let addresses = port.fixed_ips.iter().map(|fixed| PortAddress {
        subnet_id: fixed.subnet_id.clone(),
        address: fixed.ip_address.clone().unwrap(),
    });
    ServerPort {
        id: port.id.clone(),
        name: port.name.clone(),
        network_id: port.network_id.clone(),
        mac: port.mac.clone(),
        fixed_ips: addresses.collect(),
        security_groups: port.security_groups.clone(),
        vnic_type: port.vnic_type.clone(),
        port_security_enabled: port.port_security_enabled,
        allowed_address_pairs: Vec::new(),
        tag: None,
    }
}

fn empty_volume(device: &str) -> PlannedVolume {
    PlannedVolume {
        device: device.to_owned(),
        name: unique("volume"),
        size_gib: 1,
        volume_type: Some("standard".to_owned()),
        delete_on_termination: true,
        ..PlannedVolume::default()
    }
}

#[tokio::test]
async fn a_new_server_is_what_the_cloud_has_for_it() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let mut machine = backed_up(&ground).await;
        let port = port(&ground, "10.0.0.81").await;
        let identity = machine.detail.machine.openstack.as_mut().unwrap();
        identity.ports.push(former(&port));
        let wish = NewInstance::default();

        let plan = rebuild.server_plan(&grant, &machine, &wish).await.unwrap();
        assert_eq!(plan.problems, [""; 0]);
        assert_eq!(plan.server.flavor_name, "root-ephemeral");
        assert_eq!((plan.server.image_id, plan.server.ephemeral_gib.len()), (None, 0));
        let volumes: Vec<_> = plan
            .volumes
            .iter()
            .map(|one| (one.device.as_str(), one.boots, one.volume_type.as_deref()))
            .collect();
        let expected = [("vda", true, None), ("vdb", false, None), ("vdc", false, Some("fast"))];
        assert_eq!(volumes, expected);
        assert_eq!(plan.volumes[0].image_metadata["min_disk"], "1");
        // The former server still has its addresses.
        assert_eq!((&plan.ports[0].mac, plan.ports[0].addresses.len()), (&None, 0));
        assert_eq!(plan.ports[0].security_groups.as_ref(), Some(&port.security_groups));

        ground.service.services.network.port_delete(&port.id).await.unwrap();
        let wish = NewInstance { nova_disks: NovaDisks::Recreated, ..wish };
        let plan = rebuild.server_plan(&grant, &machine, &wish).await.unwrap();
        assert_eq!(plan.problems, [""; 0]);
        assert_eq!(plan.server.image_id, Some(ground.image_id().await));
        assert_eq!((plan.server.ephemeral_gib, plan.volumes.len()), (vec![1], 1));
        assert_eq!(plan.ports[0].mac.as_ref(), Some(&port.mac));
        assert_eq!(plan.ports[0].addresses[0].address, "10.0.0.81");

        let absent = || Some("absent".to_owned());
        let wish = NewInstance {
            flavor: absent(),
            key_name: absent(),
            availability_zone: absent(),
            volume_type: absent(),
            networks: [(port.network_id.clone(), "absent".to_owned())].into(),
            ..NewInstance::default()
        };
        let plan = rebuild.server_plan(&grant, &machine, &wish).await.unwrap();
        assert_eq!(plan.problems.len(), 6, "{:?}", plan.problems);

        let untrusted = Grant { trust_id: None, ..grant };
        let error = rebuild.server_plan(&untrusted, &machine, &wish).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn a_volume_is_the_owners_and_ours_to_write_meanwhile() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let (admin, owner) =
            (&ground.service.services.block_storage, &ground.alpha.services.block_storage);
        let restore = RestoreId::new();
        let planned = PlannedVolume {
            bootable: true,
            image_metadata: [("hw_disk_bus".to_owned(), "scsi".to_owned())].into(),
            metadata: [("mine".to_owned(), "yes".to_owned())].into(),
            ..empty_volume("vda")
        };
        let before = owner.quota_usage().await.unwrap();
        let id = rebuild.volume_make(&grant, restore, &planned).await.unwrap();
        ground.note_volume(&id);
        ground.note_holder(&restore.to_string());
        assert_eq!(rebuild.volume_make(&grant, restore, &planned).await.unwrap(), id);
        let made = admin.volume_get(&id).await.unwrap();
        assert_eq!(made.project_id.as_ref(), Some(&ground.alpha.project.0));
        assert!(made.is_bootable());
        assert_eq!(made.metadata["mine"], "yes");
        assert_eq!(made.image_metadata, planned.image_metadata);
        let after = owner.quota_usage().await.unwrap();
        assert!(after.volumes.in_use > before.volumes.in_use, "{after:?}");

        let location = rebuild.volume_attach(restore, &id).await.unwrap();
        let DiskLocation::Rbd { pool, image, monitors, user, .. } = &location else {
            panic!("{location:?}")
        };
        assert_eq!((pool.as_str(), image.as_str()), ("volumes", format!("volume-{id}").as_str()));
        assert!(!monitors.is_empty() && user.is_none());
        assert_eq!(rebuild.volume_attach(restore, &id).await.unwrap(), location);
        let other = rebuild.volume_attach(RestoreId::new(), &id).await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Conflict);
        assert_eq!(owner.volume_delete(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(owner.transfer_create(&id).await.is_err());

        rebuild.volume_detach(restore, &id).await.unwrap();
        rebuild.volume_detach(restore, &id).await.unwrap();
        assert_eq!(admin.volume_get(&id).await.unwrap().status, "available");

        // One that failed is made again.
        admin.volume_reset_status(&id, "error").await.unwrap();
        let again = rebuild.volume_make(&grant, restore, &planned).await.unwrap();
        ground.note_volume(&again);
        assert_ne!(again, id);
        assert_eq!(admin.volume_get(&id).await.unwrap_err().kind(), ErrorKind::NotFound);

        // Another restore's is left alone.
        let theirs = rebuild.volume_make(&grant, RestoreId::new(), &planned).await.unwrap();
        ground.note_volume(&theirs);
        admin.volume_reset_status(&again, "error_deleting").await.unwrap();
        rebuild.volumes_remove(&grant, restore).await.unwrap();
        rebuild.volumes_remove(&grant, restore).await.unwrap();
        assert_eq!(admin.volume_get(&again).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(admin.volume_get(&theirs).await.unwrap().status, "available");
        rebuild.volume_detach(restore, &again).await.expect("what is gone is not attached");
    })
    .await;
}

#[tokio::test]
async fn ports_take_the_places_of_others() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let old = port(&ground, "10.0.0.82").await;
        let network = &ground.service.services.network;
        let restore = RestoreId::new();
        let addresses = former(&old).fixed_ips;
        let planned = PlannedPort {
            former_id: old.id.clone(),
            name: old.name.clone(),
            network_id: old.network_id.clone(),
            mac: Some(old.mac.clone()),
            addresses,
            security_groups: Some(old.security_groups.clone()),
            tag: None,
        };
        let taken = rebuild.port_make(&grant, restore, &planned).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Conflict);

        network.port_delete(&old.id).await.unwrap();
        let id = rebuild.port_make(&grant, restore, &planned).await.unwrap();
        ground.note_port(&id);
        assert_eq!(rebuild.port_make(&grant, restore, &planned).await.unwrap(), id);
        let made = network.port_get(&id).await.unwrap();
        assert_eq!((&made.mac, &made.fixed_ips), (&old.mac, &old.fixed_ips));
        assert_eq!((&made.name, &made.security_groups), (&old.name, &old.security_groups));
        assert_eq!(made.project_id, ground.alpha.project.0);

        let bare = PlannedPort {
            former_id: "other".to_owned(),
            network_id: old.network_id.clone(),
            ..PlannedPort::default()
        };
        let second = rebuild.port_make(&grant, restore, &bare).await.unwrap();
        ground.note_port(&second);
        let second = network.port_get(&second).await.unwrap();
        assert_eq!((second.fixed_ips.len(), second.security_groups.len()), (1, 1));

        rebuild.ports_remove(&grant, restore).await.unwrap();
        rebuild.ports_remove(&grant, restore).await.unwrap();
        let left = network.port_list(&PortFilter::of_project(&grant.project_id)).await.unwrap();
        assert!(!left.iter().any(|port| port.id == id || port.id == second.id));
    })
    .await;
}

#[tokio::test]
async fn a_server_is_made_stopped_started_and_removed() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let machine = backed_up(&ground).await;
        let (compute, storage) =
            (&ground.service.services.compute, &ground.service.services.block_storage);
        for nova_disks in [NovaDisks::Volumes, NovaDisks::Recreated] {
            let restore = RestoreId::new();
            let name = Some(unique("server"));
            let wish = NewInstance { name: name.clone(), nova_disks, ..NewInstance::default() };
            let plan = rebuild.server_plan(&grant, &machine, &wish).await.unwrap();
            assert_eq!(plan.problems, [""; 0]);
            let mut parts = ServerParts::default();
            for volume in &plan.volumes {
                let id = rebuild.volume_make(&grant, restore, volume).await.unwrap();
                ground.note_volume(&id);
                parts.volumes.push((volume.clone(), id));
            }
            let make = || rebuild.server_make(&grant, restore, &plan.server, &machine, &parts);
            let id = make().await.unwrap();
            ground.note_server(&id);
            assert_eq!(make().await.unwrap(), id);
            let made = ground.cloud().instance_get(id.parse().unwrap()).await.unwrap();
            assert_eq!(made.instance.project_id, ground.alpha.project);
            assert_eq!(Some(made.instance.name), name);
            let identity = made.machine.openstack.unwrap();
            assert_eq!(identity.user_id, grant.user_id);
            let attached: Vec<_> = identity.volumes.iter().map(|volume| &volume.id).collect();
            let wanted: Vec<_> = parts.volumes.iter().map(|(_, id)| id).collect();
            assert_eq!(attached, wanted);
            let kinds: Vec<_> = made.instance.disks.iter().map(|disk| disk.kind).collect();
            match nova_disks {
                // Nova's own ephemeral disk is there as the plan said.
                NovaDisks::Volumes => {
                    assert!(plan.changes.iter().any(|change| change.contains("empty ephemeral")));
                    assert_eq!(kinds.iter().filter(|kind| **kind == DiskKind::Volume).count(), 2);
                    assert_eq!(kinds.len(), 4);
                }
                NovaDisks::Recreated => {
                    let expected = [DiskKind::Root, DiskKind::Ephemeral, DiskKind::Volume];
                    assert_eq!(kinds, expected);
                }
            }

            assert!(rebuild.server_stop(&id).await.unwrap());
            assert!(!rebuild.server_stop(&id).await.unwrap());
            assert_eq!(make().await.unwrap(), id, "it was made, though it is off now");
            rebuild.server_start(&id).await.unwrap();
            rebuild.server_start(&id).await.unwrap();
            assert_eq!(compute.server_get(&id).await.unwrap().status, "ACTIVE");

            rebuild.server_remove(&grant, restore).await.unwrap();
            rebuild.server_remove(&grant, restore).await.unwrap();
            assert_eq!(compute.server_get(&id).await.unwrap_err().kind(), ErrorKind::NotFound);
            rebuild.volumes_remove(&grant, restore).await.unwrap();
            for (_, id) in &parts.volumes {
                let gone = storage.volume_get(id).await.unwrap_err();
                assert_eq!(gone.kind(), ErrorKind::NotFound);
            }
        }
        rebuild.grant_end(&grant).await.unwrap();
        rebuild.grant_end(&grant).await.unwrap();
        let wish = NewInstance::default();
        let error = rebuild.server_plan(&grant, &machine, &wish).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn only_an_own_free_volume_is_replaced() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let machine = backed_up(&ground).await;
        let own = ground.volume(&ground.alpha, "standard").await;
        let other = ground.volume(&ground.beta, "standard").await;
        let in_use = &machine.detail.machine.openstack.as_ref().unwrap().volumes[0].id;
        let plan = async |id: &str| {
            let wish = VolumeTarget {
                device: "vdb".to_owned(),
                volume_id: Some(id.to_owned()),
                name: None,
                volume_type: None,
                availability_zone: None,
            };
            let plan = rebuild.volume_plan(&grant, &machine, &wish).await.unwrap();
            assert_eq!(plan.volume, VolumeUse::Replace { id: id.to_owned() });
            plan.problems
        };
        assert_eq!(plan(&own.id).await, [""; 0]);
        let (of_other, absent) = (plan(&other.id).await, plan(&unique("absent")).await);
        assert!(of_other[0].contains("has no volume") && absent[0].contains("has no volume"));
        let taken = plan(in_use).await;
        assert!(taken[0].contains("is in-use"), "{taken:?}");

        let wish = VolumeTarget {
            device: "vdc".to_owned(),
            volume_id: None,
            name: Some(unique("volume")),
            volume_type: None,
            availability_zone: None,
        };
        let made = rebuild.volume_plan(&grant, &machine, &wish).await.unwrap();
        let VolumeUse::Make(volume) = made.volume else { panic!("{made:?}") };
        assert_eq!((volume.volume_type.as_deref(), volume.size_gib), (Some("fast"), 1));
        assert_eq!(Some(&volume.name), wish.name.as_ref());
        assert_eq!(made.problems, [""; 0]);
    })
    .await;
}

/// The owner's project lacks quota for one of two: nothing else says so.
#[tokio::test]
async fn what_exceeds_the_owners_quota_is_the_owners() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.beta).await;
        let restore = RestoreId::new();
        let large = PlannedVolume { size_gib: 5000, ..empty_volume("vda") };
        let error = rebuild.volume_make(&grant, restore, &large).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error:?}");
        let ours = NewVolume { size_gib: 1, name: unique("ours"), ..NewVolume::default() };
        let ours = ground.service.services.block_storage.volume_create(&ours).await.unwrap();
        ground.note_volume(&ours.id);
        rebuild.volumes_remove(&grant, restore).await.unwrap();
    })
    .await;
}
