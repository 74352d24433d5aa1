use firn_cloud::openstack::network::PortFilter;
use firn_cloud::{PlannedPort, Rebuild};
use firn_core::{ErrorKind, RestoreId};

use super::{former, port, rebuild};
use crate::ground::on_cloud;

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
            ..PlannedPort::default()
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

        let pair = [("ip_address".to_owned(), "10.0.0.83".to_owned())].into();
        let further = PlannedPort {
            former_id: "third".to_owned(),
            allowed_address_pairs: vec![pair],
            vnic_type: Some("direct".to_owned()),
            ..bare.clone()
        };
        let open = PlannedPort { former_id: "fourth".to_owned(), open: true, ..bare.clone() };
        for planned in [further, open] {
            let id = rebuild.port_make(&grant, restore, &planned).await.unwrap();
            ground.note_port(&id);
            let made = network.port_get(&id).await.unwrap();
            assert_eq!(made.port_security_enabled == Some(false), planned.open);
            assert_eq!(made.security_groups.is_empty(), planned.open);
            assert_eq!(made.allowed_address_pairs.len(), planned.allowed_address_pairs.len());
            let kind = planned.vnic_type.as_deref().or(Some("normal"));
            assert_eq!(made.vnic_type.as_deref(), kind);
        }

        rebuild.ports_remove(&grant, restore).await.unwrap();
        rebuild.ports_remove(&grant, restore).await.unwrap();
        let left = network.port_list(&PortFilter::of_project(&grant.project_id)).await.unwrap();
        assert!(!left.iter().any(|port| port.id == id || port.id == second.id));
    })
    .await;
}
