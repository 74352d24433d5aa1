//! Restores to the real cloud.

mod plans;
mod ports;
mod servers;
mod volumes;

use firn_cloud::openstack::compute::{FixedIp, NewAttachment};
use firn_cloud::openstack::identity::Trusts;
use firn_cloud::openstack::network::{NewPort, Port};
use firn_cloud::openstack::{ClientOptions, OpenStackRebuild};
use firn_cloud::{Cloud, FormerDisk, FormerMachine, Grant};
use firn_core::{PortAddress, ServerPort};
use keystone_middleware_rs::Interface;

use crate::ground::{Account, Ground, PATIENCE, same, unique};

/// Restores as the service user, and what an account leaves behind for one.
async fn rebuild(ground: &Ground, owner: &Account) -> (OpenStackRebuild, Grant) {
    let options = ClientOptions { interface: Interface::Public, ..ClientOptions::default() };
    let trusts = Trusts::new(ground.service.session.clone());
    let (token, context) =
        (owner.session.token().await.unwrap(), owner.session.context().await.unwrap());
    let trust_id = trusts.create(&token, &context, None).await.unwrap();
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
        fixed_ips: Some(vec![FixedIp { subnet_id: None, ip_address: Some(address.to_owned()) }]),
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
