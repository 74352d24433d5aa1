use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A server to make.
#[derive(Clone, Debug, Default)]
pub struct NewServer {
    /// Its name.
    pub name: String,
    /// Id of its flavor.
    pub flavor_id: String,
    /// The image it is made from; none where a block device says what it boots from.
    pub image_id: Option<String>,
    /// Disks beyond those that the flavor makes of the image, or instead of them.
    pub block_devices: Vec<BlockDevice>,
    /// Its networks.
    pub networks: NewServerNetworks,
    /// `zone`, or `zone:host` for administrators.
    pub availability_zone: Option<String>,
    /// Name of a keypair of the session's user.
    pub key_name: Option<String>,
    /// Security groups for ports that Nova makes.
    pub security_groups: Vec<String>,
    /// Key and value pairs.
    pub metadata: BTreeMap<String, String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Description.
    pub description: Option<String>,
    /// User data in base64.
    pub user_data: Option<String>,
    /// Give it a configuration drive whatever the cloud's default is.
    pub config_drive: bool,
    /// Scheduler hints: `group` with the id of a server group, ...
    pub scheduler_hints: BTreeMap<String, Value>,
}

/// The networks of a new server.
#[derive(Clone, Debug, Default)]
pub enum NewServerNetworks {
    /// It gets no interface.
    #[default]
    None,
    /// An interface for each.
    These(Vec<ServerNetwork>),
}

/// One interface of a new server.
#[derive(Clone, Debug)]
pub enum ServerNetwork {
    /// A port that exists, which keeps its MAC and fixed addresses.
    Port {
        /// Its id.
        id: String,
        /// Tag for the guest.
        tag: Option<String>,
    },
    /// A new port on a network.
    Network {
        /// The network's id.
        id: String,
        /// Tag for the guest.
        tag: Option<String>,
    },
}

/// One disk of a new server (`block_device_mapping_v2`).
#[derive(Clone, Debug)]
pub struct BlockDevice {
    /// What the disk is made of.
    pub source: BlockDeviceSource,
    /// 0 for the root disk, -1 for those not booted from.
    pub boot_index: i32,
    /// The disk's volume goes with the server.
    pub delete_on_termination: bool,
    /// `/dev/vdb`; none: Nova chooses.
    pub device_name: Option<String>,
    /// `virtio`, `scsi`, ...; none: Nova chooses.
    pub disk_bus: Option<String>,
    /// Tag for the guest.
    pub tag: Option<String>,
}

/// What a disk of a new server is made of.
#[derive(Clone, Debug)]
pub enum BlockDeviceSource {
    /// The volume with this id.
    Volume(String),
    /// The image with this id, as Nova's own root disk beside other block devices.
    Image(String),
    /// Nothing: an ephemeral disk of this size.
    Ephemeral {
        /// Within what the flavor allows.
        size_gib: u64,
    },
}

impl BlockDevice {
    fn json(&self) -> Value {
        let mut device = match &self.source {
            BlockDeviceSource::Volume(id) => {
                json!({"source_type": "volume", "uuid": id, "destination_type": "volume"})
            }
            BlockDeviceSource::Image(id) => {
                json!({"source_type": "image", "uuid": id, "destination_type": "local"})
            }
            BlockDeviceSource::Ephemeral { size_gib } => {
                json!({"source_type": "blank", "volume_size": size_gib, "destination_type": "local"})
            }
        };
        device["boot_index"] = json!(self.boot_index);
        device["delete_on_termination"] = json!(self.delete_on_termination);
        let optional =
            [("device_name", &self.device_name), ("disk_bus", &self.disk_bus), ("tag", &self.tag)];
        for (key, value) in optional {
            if let Some(value) = value {
                device[key] = json!(value);
            }
        }
        device
    }
}

impl NewServer {
    /// The body of `POST /servers`.
    pub(super) fn body(&self) -> Value {
        let mut server = json!({
            "name": self.name,
            "flavorRef": self.flavor_id,
            "networks": self.networks.json(),
        });
        let optional = [
            ("imageRef", &self.image_id),
            ("availability_zone", &self.availability_zone),
            ("key_name", &self.key_name),
            ("description", &self.description),
            ("user_data", &self.user_data),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                server[key] = json!(value);
            }
        }
        if !self.block_devices.is_empty() {
            server["block_device_mapping_v2"] =
                self.block_devices.iter().map(BlockDevice::json).collect();
        }
        if !self.security_groups.is_empty() {
            let groups = self.security_groups.iter().map(|name| json!({ "name": name }));
            server["security_groups"] = groups.collect();
        }
        if !self.metadata.is_empty() {
            server["metadata"] = json!(self.metadata);
        }
        if !self.tags.is_empty() {
            server["tags"] = json!(self.tags);
        }
        if self.config_drive {
            server["config_drive"] = json!(true);
        }
        let mut body = json!({ "server": server });
        if !self.scheduler_hints.is_empty() {
            body["OS-SCH-HNT:scheduler_hints"] = json!(self.scheduler_hints);
        }
        body
    }
}

impl NewServerNetworks {
    fn json(&self) -> Value {
        match self {
            Self::None => json!("none"),
            Self::These(networks) => networks.iter().map(ServerNetwork::json).collect(),
        }
    }
}

impl ServerNetwork {
    fn json(&self) -> Value {
        let (mut network, tag) = match self {
            Self::Port { id, tag } => (json!({ "port": id }), tag),
            Self::Network { id, tag } => (json!({ "uuid": id }), tag),
        };
        if let Some(tag) = tag {
            network["tag"] = json!(tag);
        }
        network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_what_is_set_and_no_more() {
        let server = NewServer { name: "n".into(), flavor_id: "f".into(), ..NewServer::default() };
        let expected = json!({"server": {"name": "n", "flavorRef": "f", "networks": "none"}});
        assert_eq!(server.body(), expected);
    }

    #[test]
    fn disks_and_ports_are_as_the_api_reference_says() {
        let device = |source, boot_index| BlockDevice {
            source,
            boot_index,
            delete_on_termination: true,
            device_name: None,
            disk_bus: None,
            tag: Some("data".to_owned()),
        };
        let port = ServerNetwork::Port { id: "p".to_owned(), tag: None };
        let server = NewServer {
            block_devices: vec![
                device(BlockDeviceSource::Volume("v".to_owned()), 0),
                device(BlockDeviceSource::Ephemeral { size_gib: 2 }, -1),
            ],
            networks: NewServerNetworks::These(vec![port]),
            ..NewServer::default()
        };
        let body = server.body();
        assert_eq!(body["server"]["networks"], json!([{"port": "p"}]));
        assert_eq!(
            body["server"]["block_device_mapping_v2"],
            json!([
                {"source_type": "volume", "uuid": "v", "destination_type": "volume",
                 "boot_index": 0, "delete_on_termination": true, "tag": "data"},
                {"source_type": "blank", "volume_size": 2, "destination_type": "local",
                 "boot_index": -1, "delete_on_termination": true, "tag": "data"}
            ])
        );
    }
}
