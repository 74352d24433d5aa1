//! A domain apart from its disks.

use firn_core::MachineIdentity;

use super::{DomainError, firmware, interface, nova, tags, value};
use crate::xml::Element;

pub(super) fn read(root: &Element) -> Result<MachineIdentity, DomainError> {
    let kind = root.path(&["os", "type"]);
    let os_attribute = |name| kind.and_then(|kind| kind.attribute(name)).map(str::to_owned);
    Ok(MachineIdentity {
        domain_name: value::name("<name>", value::required_text(root, "name")?)?,
        title: root.child_text("title").map(str::to_owned),
        memory_bytes: memory_bytes(root)?,
        vcpus: vcpus(root)?,
        hypervisor: value::required_attribute(root, "type", "<domain>")?.to_owned(),
        architecture: os_attribute("arch"),
        machine_type: os_attribute("machine"),
        firmware: firmware::read(root)?,
        tpm: root.path(&["devices", "tpm"]).is_some(),
        interfaces: interface::read(root)?,
        nova: nova::read(root)?,
        openstack: None,
        metadata: tags::read(root)?,
    })
}

/// Memory at boot. Libvirt's unit is KiB unless it says otherwise.
fn memory_bytes(root: &Element) -> Result<u64, DomainError> {
    let element = root.child("memory");
    let element = element.ok_or(DomainError::Missing { element: "<memory>".to_owned() })?;
    let amount: u64 = value::number("<memory>", element.text().unwrap_or_default())?;
    let unit = element.attribute("unit").unwrap_or("KiB");
    let scale: u64 = match unit {
        "b" | "bytes" => 1,
        "KB" => 1000,
        "k" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "T" | "TiB" => 1 << 40,
        _ => {
            let reason = "libvirt knows b, KB, KiB, MB, MiB, GB, GiB, TB and TiB";
            return Err(DomainError::invalid("<memory>: the attribute unit", unit, reason));
        }
    };
    amount.checked_mul(scale).ok_or_else(|| {
        DomainError::invalid("<memory>", &amount.to_string(), "it must be a number in range")
    })
}

/// Processors online at boot: `current` where fewer than the maximum are.
fn vcpus(root: &Element) -> Result<u32, DomainError> {
    let Some(element) = root.child("vcpu") else { return Ok(1) };
    let count = element.attribute("current").or_else(|| element.text()).unwrap_or("1");
    value::number("<vcpu>", count)
}
