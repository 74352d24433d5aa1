use firn_cloud::openstack::compute::FixedIp;
use firn_cloud::openstack::network::{NewPort, PortFilter};
use firn_core::ErrorKind;

use crate::ground::{on_cloud, unique};

#[tokio::test]
async fn a_port_keeps_its_addresses() {
    on_cloud(async |ground| {
        let network = &ground.service.services.network;
        let shared = network.network_list().await.unwrap();
        let shared = shared.into_iter().find(|one| one.name == "shared").unwrap();
        assert!(shared.shared && shared.subnets.len() == 1);

        let address = FixedIp { subnet_id: None, ip_address: Some("10.0.0.77".to_owned()) };
        let wanted = NewPort {
            network_id: shared.id.clone(),
            project_id: Some(ground.alpha.project.0.clone()),
            name: unique("port"),
            description: "of a test".to_owned(),
            mac: Some("fa:16:3e:00:77:77".to_owned()),
            fixed_ips: Some(vec![address]),
            security_groups: Some(Vec::new()),
            ..NewPort::default()
        };
        let port = network.port_create(&wanted).await.unwrap();
        ground.note_port(&port.id);
        assert_eq!(port.mac, "fa:16:3e:00:77:77");
        assert_eq!(port.fixed_ips[0].ip_address.as_deref(), Some("10.0.0.77"));
        assert_eq!(port.project_id, ground.alpha.project.0);
        assert_eq!(port.description, wanted.description);
        assert_eq!(network.port_get(&port.id).await.unwrap(), port);
        let of_alpha = PortFilter::of_project(&ground.alpha.project);
        assert!(network.port_list(&of_alpha).await.unwrap().contains(&port));
        let of_beta = PortFilter::of_project(&ground.beta.project);
        assert!(!network.port_list(&of_beta).await.unwrap().contains(&port));
        let there = PortFilter { network_id: Some(shared.id), ..of_alpha };
        assert!(network.port_list(&there).await.unwrap().contains(&port));
        let taken = network.port_create(&wanted).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Conflict, "{taken}");

        let theirs = &ground.beta.services.network;
        let error = theirs.port_get(&port.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            network.port_list(&PortFilter::of_server(&unique("server"))).await.unwrap().is_empty()
        );
        network.port_delete(&port.id).await.unwrap();
        network.port_delete(&port.id).await.unwrap();
    })
    .await;
}
