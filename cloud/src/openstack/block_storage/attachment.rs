use std::fmt;

use firn_core::{DiskLocation, HostAddress};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Cinder's record that somebody has a volume. Until it is completed, which is for Nova to do, the
/// volume is `attaching`, and nobody else can attach, extend, retype, transfer or delete it.
#[derive(Clone, Debug, Deserialize)]
pub struct Attachment {
    /// UUID.
    pub id: String,
    /// The volume.
    pub volume_id: String,
    /// `reserved`, `attaching`, `attached`, ...
    pub status: String,
    /// Whom it is for, where that was said: a server, or any UUID of others than Nova.
    #[serde(default, rename = "instance")]
    pub holder_id: Option<String>,
    #[serde(default)]
    connection_info: Option<ConnectionInfo>,
}

impl Attachment {
    /// How to get at the volume; none while it is reserved only.
    pub fn connection(&self) -> Option<&ConnectionInfo> {
        self.connection_info.as_ref().filter(|info| !info.0.is_empty())
    }
}

/// How a storage is reached, in the words of Cinder's driver for it. It may hold credentials, so it
/// is in no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct ConnectionInfo(Map<String, Value>);

/// An attachment to make, with its connection.
#[derive(Clone, Debug, Serialize)]
pub struct NewVolumeAttachment {
    /// The volume.
    #[serde(rename = "volume_uuid")]
    pub volume_id: String,
    /// Whom it is for: a UUID, which Cinder looks up in Nova when it is to be deleted, and which
    /// Nova may not know.
    #[serde(rename = "instance_uuid")]
    pub holder_id: String,
    /// Who connects.
    pub connector: Connector,
}

/// Who connects to a volume.
#[derive(Clone, Debug, Serialize)]
pub struct Connector {
    /// Its name.
    pub host: String,
}

impl ConnectionInfo {
    /// `rbd`, `iscsi`, ...
    pub fn driver_volume_type(&self) -> &str {
        self.text("driver_volume_type").unwrap_or_default()
    }

    /// Where the storage has the volume; none for storage other than RBD, or where it is told in
    /// another way than Cinder's driver does.
    pub fn location(&self) -> Option<DiskLocation> {
        if self.driver_volume_type() != "rbd" {
            return None;
        }
        let (pool, image) = self.text("name")?.split_once('/')?;
        if pool.is_empty() || image.is_empty() || image.contains('/') {
            return None;
        }
        let list = |key| self.0.get(key).and_then(Value::as_array).into_iter().flatten();
        let mut ports = list("ports");
        let monitors = list("hosts").filter_map(|host| {
            let port = ports.next().and_then(port);
            Some(HostAddress { host: host.as_str()?.to_owned(), port })
        });
        Some(DiskLocation::Rbd {
            pool: pool.to_owned(),
            namespace: None,
            image: image.to_owned(),
            monitors: monitors.collect(),
            // Cinder's own, whose key is not here.
            user: None,
        })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionInfo").field(&self.driver_volume_type()).finish()
    }
}

/// Cinder passes on what the monitors' list says, as text.
fn port(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64()?.try_into().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(value: Value) -> ConnectionInfo {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_rbd_volume_has_a_place() {
        let info = info(json!({"driver_volume_type": "rbd", "name": "volumes/volume-1",
            "hosts": ["10.0.0.1", "10.0.0.2"], "ports": ["6789", 3300], "keyring": "secret"}));
        assert!(!format!("{info:?}").contains("secret"));
        let monitor = |host: &str, port| HostAddress { host: host.to_owned(), port: Some(port) };
        let expected = DiskLocation::Rbd {
            pool: "volumes".to_owned(),
            namespace: None,
            image: "volume-1".to_owned(),
            monitors: vec![monitor("10.0.0.1", 6789), monitor("10.0.0.2", 3300)],
            user: None,
        };
        assert_eq!(info.location(), Some(expected));
    }

    #[test]
    fn what_is_not_understood_has_none() {
        let rbd = |name: &str| json!({"driver_volume_type": "rbd", "name": name});
        let iscsi = json!({"driver_volume_type": "iscsi", "name": "volumes/volume-1"});
        for unknown in [json!({}), iscsi, rbd("volume-1"), rbd("/volume-1"), rbd("a/b/c")] {
            assert_eq!(info(unknown.clone()).location(), None, "{unknown}");
        }
    }

    #[test]
    fn a_reservation_has_no_connection() {
        let connected = |info: Value| {
            let attachment = json!({"id": "a", "volume_id": "v", "status": "reserved",
                "instance": null, "connection_info": info});
            serde_json::from_value::<Attachment>(attachment).unwrap().connection().is_some()
        };
        assert!(!connected(Value::Null) && !connected(json!({})));
        assert!(connected(json!({"driver_volume_type": "rbd"})));
    }
}
