//! What it takes to ask for the same server again.

mod lost;

use firn_core::{
    MachineIdentity, NovaFlavor, OpenStackServer, PortAddress, ServerGroupRef, ServerImage,
    ServerKeypair, ServerPort, ServerVolume, UserData,
};
use futures_util::future::try_join_all;

use self::lost::Told;
use super::Services;
use crate::openstack::OpenStackError;
use crate::openstack::block_storage::Volume;
use crate::openstack::compute::{
    Compute, EmbeddedFlavor, ImageRef, InterfaceAttachment, Server, VolumeAttachment,
};
use crate::openstack::image::{Image, ImageStore, building};
use crate::openstack::network::{FloatingIp, Network, Port, PortFilter};

/// Reads what the server's own answer does not say. What has been deleted since the server was
/// made is no error: it is named as lost.
pub(super) async fn read(
    services: &Services,
    server: &Server,
    attached: &[VolumeAttachment],
    volumes: &[Volume],
    machine: &MachineIdentity,
) -> Result<OpenStackServer, OpenStackError> {
    let compute = services.compute.as_ref();
    let groups = server.server_groups.iter().map(|id| server_group(compute, id));
    let (image_now, keypair, server_groups, interfaces, (ports, floating_ips)) = tokio::try_join!(
        image_now(services.images.as_ref(), server),
        keypair(compute, server),
        try_join_all(groups),
        compute.interfaces(&server.id),
        ports(services.network.as_ref(), server),
    )?;
    let mut identity = OpenStackServer {
        user_id: server.user_id.clone(),
        description: server.description.clone(),
        hostname: server.hostname.clone(),
        locked: server.locked,
        availability_zone: server.availability_zone.clone(),
        flavor: server.flavor.as_ref().map(flavor),
        image: server.image.as_ref().map(|then| image(then, image_now.as_ref())),
        keypair,
        tags: server.tags.clone(),
        server_groups,
        scheduler_hints: server.scheduler_hints.clone().unwrap_or_default(),
        config_drive: server.has_config_drive(),
        user_data: server.user_data.clone().map(UserData),
        ports: interfaces.iter().filter_map(|interface| port(interface, &ports)).collect(),
        volumes: attached.iter().filter_map(|one| volume(one, volumes)).collect(),
        lost: Vec::new(),
    };
    let told = Told {
        identity: &identity,
        server,
        image: image_now.as_ref(),
        interfaces: &interfaces,
        ports: &ports,
        floating_ips: &floating_ips,
        volumes,
        machine,
    };
    identity.lost = told.lost();
    Ok(identity)
}

async fn image_now(
    images: &dyn ImageStore,
    server: &Server,
) -> Result<Option<Image>, OpenStackError> {
    match &server.image {
        Some(image) => OpenStackError::or_absent(images.image_get(&image.id).await),
        None => Ok(None),
    }
}

/// Its properties are those that the server was made with where Nova tells them: Glance only knows
/// those of now.
fn image(then: &ImageRef, now: Option<&Image>) -> ServerImage {
    let properties = match (&then.properties, now) {
        (Some(properties), _) => building(properties),
        (None, now) => now.map(Image::properties).unwrap_or_default(),
    };
    ServerImage {
        id: then.id.clone(),
        properties,
        // An image without a name is there all the same.
        name: now.map(|now| now.name.clone().unwrap_or_default()),
    }
}

/// The server's ports, with the floating addresses that lead to them.
async fn ports(
    network: &dyn Network,
    server: &Server,
) -> Result<(Vec<Port>, Vec<FloatingIp>), OpenStackError> {
    let ports = network.port_list(&PortFilter::of_server(&server.id)).await?;
    if ports.is_empty() {
        return Ok((ports, Vec::new()));
    }
    let ids: Vec<_> = ports.iter().map(|port| port.id.clone()).collect();
    let floating_ips = network.floating_ip_list(&ids).await?;
    Ok((ports, floating_ips))
}

async fn keypair(
    compute: &dyn Compute,
    server: &Server,
) -> Result<Option<ServerKeypair>, OpenStackError> {
    let Some(name) = &server.key_name else { return Ok(None) };
    let found = OpenStackError::or_absent(compute.keypair_get(&server.user_id, name).await)?;
    let public_key = found.map(|found| found.public_key);
    Ok(Some(ServerKeypair { name: name.clone(), public_key }))
}

async fn server_group(compute: &dyn Compute, id: &str) -> Result<ServerGroupRef, OpenStackError> {
    let found = OpenStackError::or_absent(compute.server_group_get(id).await)?;
    let (name, policy) = found.map(|found| (found.name, found.policy)).unzip();
    Ok(ServerGroupRef { id: id.to_owned(), name, policy })
}

fn flavor(flavor: &EmbeddedFlavor) -> NovaFlavor {
    NovaFlavor {
        name: flavor.name.clone(),
        // A server remembers its flavor by value; the id may mean another by now.
        id: None,
        memory_mib: flavor.memory_mib,
        disk_gib: flavor.disk_gib,
        ephemeral_gib: flavor.ephemeral_gib,
        swap_mib: flavor.swap_mib,
        vcpus: flavor.vcpus,
        extra_specs: flavor.extra_specs.clone(),
    }
}

fn port(interface: &InterfaceAttachment, ports: &[Port]) -> Option<ServerPort> {
    let port = ports.iter().find(|port| port.id == interface.port_id)?;
    let addresses = port.fixed_ips.iter().filter_map(|fixed| {
        let address = fixed.ip_address.clone()?;
        Some(PortAddress { subnet_id: fixed.subnet_id.clone(), address })
    });
    Some(ServerPort {
        id: port.id.clone(),
        name: port.name.clone(),
        network_id: port.network_id.clone(),
        mac: port.mac.to_ascii_lowercase(),
        fixed_ips: addresses.collect(),
        security_groups: port.security_groups.clone(),
        vnic_type: port.vnic_type.clone(),
        port_security_enabled: port.port_security_enabled,
        allowed_address_pairs: port.allowed_address_pairs.clone(),
        tag: interface.tag.clone(),
    })
}

fn volume(attachment: &VolumeAttachment, volumes: &[Volume]) -> Option<ServerVolume> {
    let volume = volumes.iter().find(|volume| volume.id == attachment.volume_id)?;
    Some(ServerVolume {
        id: volume.id.clone(),
        name: volume.name.clone().unwrap_or_default(),
        size_gib: volume.size_gib,
        volume_type: volume.volume_type.clone(),
        availability_zone: volume.availability_zone.clone(),
        bootable: volume.is_bootable(),
        multiattach: volume.multiattach,
        encrypted: volume.encrypted,
        metadata: volume.metadata.clone(),
        image_metadata: volume.image_metadata.clone(),
        device: attachment.device.clone(),
        tag: attachment.tag.clone(),
        delete_on_termination: attachment.delete_on_termination,
    })
}
