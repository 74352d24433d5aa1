use std::collections::BTreeMap;

use serde::Deserialize;

/// A flavor as a server remembers it: the flavor itself may be gone or another by now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EmbeddedFlavor {
    /// The name it had.
    #[serde(rename = "original_name")]
    pub name: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    #[serde(rename = "ram")]
    pub memory_mib: u64,
    /// Root disk in GiB; 0 means as large as the image.
    #[serde(rename = "disk")]
    pub disk_gib: u64,
    /// Ephemeral disks together, in GiB.
    #[serde(default, rename = "ephemeral")]
    pub ephemeral_gib: u64,
    /// Swap disk in MiB.
    #[serde(default, rename = "swap")]
    pub swap_mib: u64,
    /// Extra specs, where this user may see them.
    #[serde(default)]
    pub extra_specs: BTreeMap<String, String>,
}

/// A flavor on offer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Flavor {
    /// Its id, not always a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    #[serde(rename = "ram")]
    pub memory_mib: u64,
    /// Root disk in GiB; 0 means as large as the image.
    #[serde(rename = "disk")]
    pub disk_gib: u64,
    /// Ephemeral disks together, in GiB.
    #[serde(default, rename = "OS-FLV-EXT-DATA:ephemeral")]
    pub ephemeral_gib: u64,
    /// Swap disk in MiB.
    #[serde(default, rename = "swap")]
    pub swap_mib: u64,
    /// Extra specs; none where this user may not see them.
    #[serde(default)]
    pub extra_specs: Option<BTreeMap<String, String>>,
    /// Everybody may use it.
    #[serde(default, rename = "os-flavor-access:is_public")]
    pub is_public: bool,
}
