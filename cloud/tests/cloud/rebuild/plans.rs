use firn_cloud::{Grant, Rebuild, VolumeUse};
use firn_core::{ErrorKind, NewInstance, NovaDisks, VolumeTarget};

use super::{backed_up, former, port, rebuild};
use crate::ground::{on_cloud, unique};

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
            let VolumeUse::Replace { id: replaced, .. } = plan.volume else { panic!("{plan:?}") };
            assert_eq!(replaced, id);
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
