use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::NovaFlavor;

/// What the APIs of OpenStack tell of a server beyond its domain XML: what it takes to ask for the
/// same server again. Kept in restore points, so fields are added, never changed. Name and
/// metadata are with the instance and the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStackServer {
    /// Keystone user who made it.
    pub user_id: String,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Host name given to the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Changes by its owner were refused.
    #[serde(default)]
    pub locked: bool,
    /// Availability zone of its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Its flavor, by value, with extra specs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<NovaFlavor>,
    /// The image it was made from; none for one that boots from a volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ServerImage>,
    /// Its keypair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keypair: Option<ServerKeypair>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its server groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_groups: Vec<ServerGroupRef>,
    /// Its scheduler hints, where the cloud tells them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scheduler_hints: BTreeMap<String, Value>,
    /// It has a configuration drive.
    #[serde(default)]
    pub config_drive: bool,
    /// Its user data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserData>,
    /// Its ports, in the order of its interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServerPort>,
    /// Its volumes, in the order in which they were attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<ServerVolume>,
    /// What cannot be had again from all this, one line each, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
}

/// The Glance image of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerImage {
    /// Its id.
    pub id: String,
    /// Its name; none where the image is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Properties that say how a server of it is built.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// A keypair's public half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerKeypair {
    /// Its name, unique for its user.
    pub name: String,
    /// The key; none where the keypair is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// A server group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerGroupRef {
    /// Its id.
    pub id: String,
    /// Its name; none where the group is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `anti-affinity`, ...; none where the group is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// User data, in base64. It often holds passwords, so it is in no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserData(pub String);

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} bytes of base64)", self.0.len())
    }
}

/// A Neutron port of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPort {
    /// Its id.
    pub id: String,
    /// Its name, possibly empty.
    #[serde(default)]
    pub name: String,
    /// Its network.
    pub network_id: String,
    /// MAC address, lower case with colons.
    pub mac: String,
    /// Fixed addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_ips: Vec<PortAddress>,
    /// Ids of its security groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// How it is plugged: `normal`, `direct`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnic_type: Option<String>,
    /// Whether protection against spoofing applies, where Neutron tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_security_enabled: Option<bool>,
    /// Further addresses it may send from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_address_pairs: Vec<BTreeMap<String, String>>,
    /// The tag that the guest finds it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// A fixed address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortAddress {
    /// Its subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// IPv4 or IPv6.
    pub address: String,
}

/// A Cinder volume of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerVolume {
    /// Its id, which is the serial of its disk.
    pub id: String,
    /// Its name, possibly empty.
    #[serde(default)]
    pub name: String,
    /// Size in GiB.
    pub size_gib: u64,
    /// Name of its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// Availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Servers can boot from it.
    #[serde(default)]
    pub bootable: bool,
    /// Several servers may have it at once.
    #[serde(default)]
    pub multiattach: bool,
    /// Cinder encrypts it.
    #[serde(default)]
    pub encrypted: bool,
    /// Its owner's key and value pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Properties of the image that it was made of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub image_metadata: BTreeMap<String, String>,
    /// `/dev/vdb`, as Nova chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The tag that the guest finds it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// It goes with the server.
    #[serde(default)]
    pub delete_on_termination: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_is_kept_and_never_shown() {
        let server = OpenStackServer {
            user_data: Some(UserData("aHVudGVyMg==".to_owned())),
            ..OpenStackServer::default()
        };
        assert!(!format!("{server:?}").contains("aHVudGVyMg"));
        let text = serde_json::to_string(&server).unwrap();
        assert_eq!(serde_json::from_str::<OpenStackServer>(&text).unwrap(), server);
    }

    #[test]
    fn what_an_older_firn_kept_is_read() {
        let server: OpenStackServer = serde_json::from_str(r#"{"user_id": "u"}"#).unwrap();
        assert_eq!(server, OpenStackServer { user_id: "u".to_owned(), ..Default::default() });
    }
}
