use std::collections::BTreeMap;

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
    let (mac, addresses) = match network {
        Some(network) if wish.keep_addresses && *network_id == port.network_id => {
            (mac(facts, port, found), addresses(facts, network, port, found))
        }
        _ => {
            found.change(format!("the port in the place of {id} gets new addresses"));
            (None, Vec::new())
        }
    };
    // An administrator makes the port, so Neutron does not ask whether its owner may: by default only
    // those may to whom the network belongs.
    let may_spoof = network.is_some_and(|network| network.project_id == facts.project.0);
    let open = is_open(port, may_spoof, found);
    PlannedPort {
        former_id: id.clone(),
        name: port.name.clone(),
        network_id: network_id.clone(),
        mac,
        addresses,
        security_groups: if open { None } else { security_groups(facts, port, found) },
        open,
        allowed_address_pairs: allowed_address_pairs(port, may_spoof, found),
        vnic_type: port.vnic_type.clone().filter(|kind| kind != "normal"),
        tag: port.tag.clone(),
    }
}

fn is_open(port: &ServerPort, may_spoof: bool, found: &mut Findings) -> bool {
    let was_open = port.port_security_enabled == Some(false);
    if was_open && !may_spoof {
        found.change(format!(
            "port {} had no port security: the new one has, because its network is another \
             project's. Ask an administrator to set it",
            port.id
        ));
    }
    was_open && may_spoof
}

fn allowed_address_pairs(
    port: &ServerPort,
    may_spoof: bool,
    found: &mut Findings,
) -> Vec<BTreeMap<String, String>> {
    if may_spoof {
        // A pair has the port's MAC address where it names none; a new port may have another.
        let with_former_mac = |pair: &BTreeMap<String, String>| {
            pair.get("mac_address").is_some_and(|mac| mac.eq_ignore_ascii_case(&port.mac))
        };
        let mut pairs = port.allowed_address_pairs.clone();
        for pair in pairs.iter_mut().filter(|pair| with_former_mac(pair)) {
            pair.remove("mac_address");
        }
        return pairs;
    }
    if !port.allowed_address_pairs.is_empty() {
        found.change(format!(
            "port {} could send from further addresses, and the new one cannot, because its \
             network is another project's. Ask an administrator to set its allowed_address_pairs",
            port.id
        ));
    }
    Vec::new()
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
