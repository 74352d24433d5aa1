use firn_core::{ProjectId, RestoreId};

use super::marks;
use crate::openstack::OpenStackError;
use crate::openstack::compute::FixedIp;
use crate::openstack::network::{Network, NewPort, Port, PortFilter};
use crate::{Grant, PlannedPort};

/// Makes a port in the grant's project, as an administrator: only those may choose MAC and fixed
/// addresses on networks of others.
pub(super) async fn make(
    network: &dyn Network,
    grant: &Grant,
    restore: RestoreId,
    port: &PlannedPort,
) -> Result<String, OpenStackError> {
    let description = marks::of_port(restore, &port.former_id);
    let made = of_restore(network, &grant.project_id, restore).await?;
    if let Some(made) = made.into_iter().find(|made| made.description == description) {
        return Ok(made.id);
    }
    let addresses = port.addresses.iter().map(|address| FixedIp {
        subnet_id: address.subnet_id.clone(),
        ip_address: Some(address.address.clone()),
    });
    let wanted = NewPort {
        network_id: port.network_id.clone(),
        project_id: Some(grant.project_id.0.clone()),
        name: port.name.clone(),
        description,
        mac: port.mac.clone(),
        fixed_ips: (!port.addresses.is_empty()).then(|| addresses.collect()),
        security_groups: match port.open {
            // Neutron refuses a port with groups that do not apply.
            true => Some(Vec::new()),
            false => port.security_groups.clone(),
        },
        port_security_enabled: port.open.then_some(false),
        allowed_address_pairs: port.allowed_address_pairs.clone(),
        vnic_type: port.vnic_type.clone(),
    };
    Ok(network.port_create(&wanted).await?.id)
}

/// Removes all ports of a restore.
pub(super) async fn remove(
    network: &dyn Network,
    project: &ProjectId,
    restore: RestoreId,
) -> Result<(), OpenStackError> {
    for port in of_restore(network, project, restore).await? {
        network.port_delete(&port.id).await?;
    }
    Ok(())
}

async fn of_restore(
    network: &dyn Network,
    project: &ProjectId,
    restore: RestoreId,
) -> Result<Vec<Port>, OpenStackError> {
    let mark = marks::of_ports(restore);
    let mut ports = network.port_list(&PortFilter::of_project(project)).await?;
    ports.retain(|port| port.description.starts_with(&mark));
    Ok(ports)
}
