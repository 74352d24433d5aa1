use serde::Deserialize;

/// A floating address that leads to a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FloatingIp {
    /// UUID.
    pub id: String,
    /// The address that others reach.
    #[serde(rename = "floating_ip_address")]
    pub address: String,
    /// The port; none while it leads nowhere.
    #[serde(default)]
    pub port_id: Option<String>,
}
