use serde::{Deserialize, Serialize};

/// A volume that a server has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VolumeAttachment {
    /// The volume.
    #[serde(rename = "volumeId")]
    pub volume_id: String,
    /// `/dev/vdb`, as Nova chose it.
    #[serde(default)]
    pub device: Option<String>,
    /// The tag that the guest finds it by.
    #[serde(default)]
    pub tag: Option<String>,
    /// The volume goes with the server.
    #[serde(default)]
    pub delete_on_termination: bool,
    /// Id of Nova's block device mapping.
    #[serde(default)]
    pub bdm_uuid: Option<String>,
    /// Id of Cinder's attachment.
    #[serde(default)]
    pub attachment_id: Option<String>,
}

/// A volume to attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewAttachment {
    /// The volume.
    #[serde(rename = "volumeId")]
    pub volume_id: String,
    /// `/dev/vdb`; none: Nova chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The tag that the guest is to find it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The volume goes with the server.
    pub delete_on_termination: bool,
}

/// A network interface of a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterfaceAttachment {
    /// Its Neutron port.
    pub port_id: String,
    /// The port's network.
    pub net_id: String,
    /// MAC address.
    #[serde(rename = "mac_addr")]
    pub mac: String,
    /// Fixed addresses.
    #[serde(default)]
    pub fixed_ips: Vec<FixedIp>,
    /// The tag that the guest finds it by.
    #[serde(default)]
    pub tag: Option<String>,
}

/// A fixed address of a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedIp {
    /// The subnet; none in a request lets Neutron choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// IPv4 or IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
}
