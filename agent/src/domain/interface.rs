//! Network interfaces.

use firn_core::NetworkInterface;

use super::{DomainError, value};
use crate::xml::Element;

pub(super) fn read(root: &Element) -> Result<Vec<NetworkInterface>, DomainError> {
    let devices = root.child("devices");
    devices.into_iter().flat_map(|devices| devices.named("interface")).map(interface).collect()
}

fn interface(element: &Element) -> Result<NetworkInterface, DomainError> {
    let attachment = value::required_attribute(element, "type", "<interface>")?.to_owned();
    let address = element.child("mac").and_then(|mac| mac.attribute("address"));
    // The name of what it hangs on is in an attribute that depends on the attachment.
    let source = element.child("source").and_then(|source| {
        ["bridge", "network", "dev", "path"].into_iter().find_map(|name| source.attribute(name))
    });
    let port = element
        .path(&["virtualport", "parameters"])
        .and_then(|parameters| parameters.attribute("interfaceid"));
    let mtu = element.child("mtu").and_then(|mtu| mtu.attribute("size"));
    let model = element.child("model").and_then(|model| model.attribute("type"));
    Ok(NetworkInterface {
        mac: address.map(mac).transpose()?,
        attachment,
        source: source.map(str::to_owned),
        model: model.map(str::to_owned),
        port_id: port.map(str::to_owned),
        mtu_bytes: mtu.map(|mtu| value::number("<interface>: <mtu size>", mtu)).transpose()?,
    })
}

fn mac(address: &str) -> Result<String, DomainError> {
    let address = address.to_ascii_lowercase();
    let digits = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    if address.split(':').count() == 6 && address.split(':').all(digits) {
        return Ok(address);
    }
    let reason = "it must be six pairs of hexadecimal digits between colons";
    Err(DomainError::invalid("<interface>: <mac address>", &address, reason))
}
