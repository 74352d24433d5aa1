//! What cannot be had again from an identity, for people: what it was, and what to do about it.

use firn_core::{Firmware, MachineIdentity, OpenStackServer, ServerImage, ServerKeypair};

use crate::openstack::block_storage::Volume;
use crate::openstack::compute::{InterfaceAttachment, Server};
use crate::openstack::image::Image;
use crate::openstack::network::{FloatingIp, Port};

/// An identity, and what was told while it was read.
pub(super) struct Told<'a> {
    pub(super) identity: &'a OpenStackServer,
    pub(super) server: &'a Server,
    /// The server's image as it is now.
    pub(super) image: Option<&'a Image>,
    pub(super) interfaces: &'a [InterfaceAttachment],
    pub(super) ports: &'a [Port],
    pub(super) floating_ips: &'a [FloatingIp],
    pub(super) volumes: &'a [Volume],
    pub(super) machine: &'a MachineIdentity,
}

impl Told<'_> {
    pub(super) fn lost(&self) -> Vec<String> {
        let mut lost = Vec::new();
        self.references(&mut lost);
        self.networks(&mut lost);
        self.devices(&mut lost);
        self.keys(&mut lost);
        lost
    }

    /// What the server names and the cloud does not have or tell.
    fn references(&self, lost: &mut Vec<String>) {
        let Self { identity, server, .. } = self;
        lost.extend(self.image());
        if let Some(ServerKeypair { name, public_key: None }) = &identity.keypair {
            lost.push(format!("the keypair {name} is deleted"));
        }
        for group in identity.server_groups.iter().filter(|group| group.policy.is_none()) {
            lost.push(format!("the server group {} is deleted", group.id));
        }
        if server.scheduler_hints.is_none() {
            lost.push(
                "scheduler hints beside server groups: this cloud does not tell them".to_owned(),
            );
        }
        if server.flavor.is_none() {
            lost.push("the flavor: its cell does not answer".to_owned());
        }
    }

    fn image(&self) -> Option<String> {
        let ServerImage { id, .. } = self.identity.image.as_ref()?;
        let as_made = self.server.image.as_ref().is_some_and(|image| image.properties.is_some());
        match self.image {
            None if as_made => Some(format!(
                "the image {id} is deleted: Nova cannot make the root disk of it anew, so restore \
                 to volumes"
            )),
            None => Some(format!(
                "the image {id} is deleted, and its properties with it: set those that the guest \
                 needs on the restored root volume"
            )),
            // Both write their times in the same form.
            Some(now) if !as_made && self.server.created < now.updated_at => Some(format!(
                "the properties that the image {id} had when the server was made: it was changed \
                 since, and this cloud only tells those of now. Check them on the restored root \
                 volume"
            )),
            Some(_) => None,
        }
    }

    fn networks(&self, lost: &mut Vec<String>) {
        for InterfaceAttachment { port_id: id, .. } in self.interfaces {
            let Some(port) = self.ports.iter().find(|port| port.id == *id) else {
                lost.push(format!("Neutron does not know the port {id}"));
                continue;
            };
            let leading = |one: &&FloatingIp| one.port_id.as_ref() == Some(id);
            for FloatingIp { address, .. } in self.floating_ips.iter().filter(leading) {
                lost.push(format!(
                    "the floating address {address} of port {id}: associate it with the port in \
                     its place (openstack floating ip set --port)"
                ));
            }
            if let Some(policy) = &port.qos_policy_id {
                lost.push(format!(
                    "the QoS policy {policy} of port {id}: set it on the port in its place \
                     (openstack port set --qos-policy)"
                ));
            }
            if let Some(trunk) = &port.trunk {
                let carried: Vec<_> =
                    trunk.sub_ports.iter().map(|sub| sub.port_id.as_str()).collect();
                lost.push(format!(
                    "the trunk {} of port {id}, with the sub-ports [{}]: make a trunk of the port \
                     in its place (openstack network trunk create)",
                    trunk.id,
                    carried.join(", ")
                ));
            }
            if let Some(name) = self.dns_name(port) {
                lost.push(format!(
                    "the DNS name {name} of port {id}: set it on the port in its place (openstack \
                     port set --dns-name, --dns-domain)"
                ));
            }
        }
    }

    /// What a port is called in DNS beyond the server's host name, which Nova gives every port.
    fn dns_name(&self, port: &Port) -> Option<String> {
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let hostname = self.server.hostname.as_deref().unwrap_or_default();
        let (name, domain) = (set(&port.dns_name)?, set(&port.dns_domain));
        match domain {
            Some(domain) => Some(format!("{name}.{domain}")),
            None => Some(name).filter(|name| !name.eq_ignore_ascii_case(hostname)),
        }
    }

    /// What lies in hardware, real or virtual, and on no disk.
    fn devices(&self, lost: &mut Vec<String>) {
        let specs = self.identity.flavor.iter().flat_map(|flavor| &flavor.extra_specs);
        let devices: Vec<_> = specs
            .filter(|(key, _)| is_device(key))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if !devices.is_empty() {
            lost.push(format!(
                "what the devices of the host held ({}): the server gets others, where a host has \
                 them free",
                devices.join(", ")
            ));
        }
        if self.machine.tpm {
            lost.push(
                "the state of the virtual TPM: have the recovery keys of what it guards at hand"
                    .to_owned(),
            );
        }
        if matches!(self.machine.firmware, Firmware::Uefi { .. }) {
            lost.push(
                "the variables of the UEFI firmware: set boot entries and keys of your own again"
                    .to_owned(),
            );
        }
    }

    /// The points hold the bytes of encrypted volumes as they lie on the storage.
    fn keys(&self, lost: &mut Vec<String>) {
        for volume in self.volumes.iter().filter(|volume| volume.encrypted) {
            let id = &volume.id;
            let key = volume.encryption_key_id.as_deref().unwrap_or("that Cinder does not tell");
            lost.push(format!(
                "the key {key} of the encrypted volume {id}: Cinder deletes it with the volume. \
                 While the volume is there, it can be restored in place; keep a copy of the key, \
                 without which nobody can open it after that"
            ));
        }
    }
}

/// Whether an extra spec asks for a device of the host, which keeps what was written to it.
fn is_device(key: &str) -> bool {
    let resource = key.starts_with("resources").then(|| key.split(':').nth(1)).flatten();
    matches!(key, "pci_passthrough:alias" | "accel:device_profile")
        || matches!(resource, Some("VGPU" | "PGPU"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_the_host_are_known_by_their_extra_specs() {
        for key in
            ["pci_passthrough:alias", "resources:VGPU", "resources1:VGPU", "resources_a:PGPU"]
        {
            assert!(is_device(key), "{key}");
        }
        for key in ["hw:tpm_version", "resources:VCPU", "trait:VGPU", "resources", "VGPU"] {
            assert!(!is_device(key), "{key}");
        }
    }
}
