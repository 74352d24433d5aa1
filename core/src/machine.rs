use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::OpenStackServer;

/// What makes a machine itself, apart from its disks: enough to rebuild it on another host or in
/// another cloud. Kept in restore points, so fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineIdentity {
    /// The libvirt domain's name (`instance-0000002a` for a Nova server).
    pub domain_name: String,
    /// Title given in the domain XML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Memory at boot, in bytes.
    pub memory_bytes: u64,
    /// Virtual CPUs online at boot.
    pub vcpus: u32,
    /// Hypervisor type: `kvm`, `qemu`.
    pub hypervisor: String,
    /// CPU architecture: `x86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Machine type: `pc-q35-7.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_type: Option<String>,
    /// What starts the guest.
    pub firmware: Firmware,
    /// A virtual TPM is attached; its state is not part of the disks.
    #[serde(default)]
    pub tpm: bool,
    /// Network interfaces, in the order of the domain XML.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<NetworkInterface>,
    /// What Nova wrote about its server; `None` for a machine that Nova did not make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nova: Option<NovaServer>,
    /// What the APIs of OpenStack tell of it; `None` where nobody asked them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openstack: Option<OpenStackServer>,
    /// What its owner tagged it with, such as `backup` = `daily`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// A machine's firmware.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Firmware {
    /// Legacy BIOS, or whatever the hypervisor's default is.
    #[default]
    Bios,
    /// UEFI.
    Uefi {
        /// The firmware's code; `None` lets the hypervisor choose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loader: Option<PathBuf>,
        /// This machine's variable store: boot entries and enrolled keys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nvram: Option<PathBuf>,
        /// Secure boot is asked for.
        #[serde(default)]
        secure_boot: bool,
    },
}

/// A network interface of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// MAC address, lower case with colons; `None` lets the hypervisor choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// How the host attaches it: `bridge`, `network`, `ethernet`, `vhostuser`.
    pub attachment: String,
    /// The bridge, network or device it is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Device model in the guest: `virtio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Neutron port id, where the virtual switch was told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_id: Option<String>,
    /// MTU in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu_bytes: Option<u32>,
}

/// Nova's metadata in a domain XML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NovaServer {
    /// The server's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the XML was made, as Nova printed it (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Version of Nova that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Its flavor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<NovaFlavor>,
    /// Keystone project that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<NamedId>,
    /// Keystone user who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<NamedId>,
    /// Glance image of its root disk; `None` for a server that boots from a volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// Neutron ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<NovaPort>,
}

/// A flavor, by value: the cloud may have deleted it since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NovaFlavor {
    /// Name.
    pub name: String,
    /// Id; only newer releases of Nova write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Root disk in GiB; 0 means as large as the image.
    pub disk_gib: u64,
    /// Ephemeral disks together, in GiB.
    pub ephemeral_gib: u64,
    /// Swap disk in MiB.
    pub swap_mib: u64,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Extra specs, where Nova wrote them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_specs: BTreeMap<String, String>,
}

/// A Keystone id with the name it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedId {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// A Neutron port with its fixed addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NovaPort {
    /// Port id.
    pub id: String,
    /// Fixed addresses, IPv4 and IPv6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}
