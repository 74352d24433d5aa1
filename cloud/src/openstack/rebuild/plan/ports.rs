use firn_core::{NewInstance, PortAddress, ServerPort};

use super::Findings;
use crate::PlannedPort;
use crate::openstack::network::NetworkSummary;
use crate::openstack::rebuild::facts::Facts;
use crate::openstack::rebuild::former::Former;

/// A port for each that the server had.
pub(super) fn plan(
    facts: &Facts,
    former: Former<'_>,
    wish: &NewInstance,
    found: &mut Findings,
) -> Vec<PlannedPort> {
    former.server.ports.iter().map(|port| one(facts, port, wish, found)).collect()
}

fn one(facts: &Facts, port: &ServerPort, wish: &NewInstance, found: &mut Findings) -> PlannedPort {
    let id = &port.id;
    let network_id = wish.networks.get(&port.network_id).unwrap_or(&port.network_id);
    let network = facts.networks.iter().find(|network| network.id == *network_id);
    if network.is_none() {
        found.problem(format!(
            "the project sees no network {network_id}: name another one in networks, for {}",
            port.network_id
        ));
    }
    if port.vnic_type.as_deref().is_some_and(|kind| kind != "normal") {
        let kind = port.vnic_type.as_deref().unwrap_or_default();
        found.change(format!("port {id} was plugged as {kind}, and the new one is as normal"));
    }
    if !port.allowed_address_pairs.is_empty() {
        found
            .change(format!("port {id} could send from further addresses, and the new one cannot"));
    }
    let (mac, addresses) = match network {
        Some(network) if wish.keep_addresses && *network_id == port.network_id => {
            (mac(facts, port, found), addresses(facts, network, port, found))
        }
        _ => {
            found.change(format!("the port in the place of {id} gets new addresses"));
            (None, Vec::new())
        }
    };
    PlannedPort {
        former_id: id.clone(),
        name: port.name.clone(),
        network_id: network_id.clone(),
        mac,
        addresses,
        security_groups: security_groups(facts, port, found),
        tag: port.tag.clone(),
    }
}

fn mac(facts: &Facts, port: &ServerPort, found: &mut Findings) -> Option<String> {
    let mut others = facts.ports.iter().filter(|other| other.network_id == port.network_id);
    if others.any(|other| other.mac.eq_ignore_ascii_case(&port.mac)) {
        found.change(format!("{} is in use: the new port gets another MAC address", port.mac));
        return None;
    }
    Some(port.mac.clone())
}

/// All addresses or none: a port with some of them would lack those of the other family.
fn addresses(
    facts: &Facts,
    network: &NetworkSummary,
    port: &ServerPort,
    found: &mut Findings,
) -> Vec<PortAddress> {
    let taken = |address: &PortAddress| {
        let others = facts.ports.iter().filter(|other| other.network_id == port.network_id);
        let mut theirs = others.flat_map(|other| &other.fixed_ips);
        theirs.any(|fixed| fixed.ip_address.as_ref() == Some(&address.address))
    };
    let lost = |address: &PortAddress| {
        address.subnet_id.as_ref().is_some_and(|subnet| !network.subnets.contains(subnet))
    };
    let mut free = true;
    for PortAddress { address, .. } in port.fixed_ips.iter().filter(|address| taken(address)) {
        free = false;
        found.change(format!("{address} is in use: the new port gets other addresses"));
    }
    for PortAddress { address, .. } in port.fixed_ips.iter().filter(|address| lost(address)) {
        free = false;
        found.change(format!("the subnet of {address} is gone: the new port gets other addresses"));
    }
    match free {
        true => port.fixed_ips.clone(),
        false => Vec::new(),
    }
}

/// Those that are left, so that a port is never more open than it was; the default group where
/// none is.
fn security_groups(facts: &Facts, port: &ServerPort, found: &mut Findings) -> Option<Vec<String>> {
    let id = &port.id;
    if port.port_security_enabled == Some(false) {
        found.change(format!(
            "port {id} had no port security: the new one has, with the project's default security \
             group"
        ));
        return None;
    }
    let (left, gone): (Vec<_>, Vec<_>) = port
        .security_groups
        .iter()
        .cloned()
        .partition(|group| facts.security_groups.contains(group));
    if gone.is_empty() {
        return Some(left);
    }
    let gone = gone.join(", ");
    if left.is_empty() {
        found.change(format!(
            "the project has no security group {gone}: the port in the place of {id} gets the \
             default one"
        ));
        return None;
    }
    found.change(format!(
        "the project has no security group {gone}: the port in the place of {id} only has the \
         others"
    ));
    Some(left)
}
