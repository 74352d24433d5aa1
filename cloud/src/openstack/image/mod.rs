//! What Firn asks of Glance.

mod glance;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::client::OpenStackError;

pub use glance::Glance;

/// Glance, as far as backups need it.
#[async_trait]
pub trait ImageStore: Send + Sync {
    /// One image.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn image_get(&self, id: &str) -> Result<Image, OpenStackError>;
}

/// An image. Glance keeps its own fields and the owner's properties side by side.
#[derive(Clone, Debug, Deserialize)]
pub struct Image {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: Option<String>,
    /// `active`, `deactivated`, ...
    pub status: String,
    /// When it was last changed, in Glance's form (UTC).
    #[serde(default)]
    pub updated_at: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl Image {
    /// How a server of it is built now.
    pub fn properties(&self) -> BTreeMap<String, String> {
        building(&self.rest)
    }
}

/// Those properties of an image that say how a server of it is built: `hw_disk_bus`, `os_type`, ...,
/// and the least that its flavor must have. What says how Glance stores it is left out.
pub fn building(properties: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    const PREFIXES: [&str; 5] = ["hw_", "os_", "img_", "trait:", "cinder_"];
    const NAMES: [&str; 5] = ["architecture", "hypervisor_type", "vm_mode", "min_disk", "min_ram"];
    let says_how = |key: &str| {
        NAMES.contains(&key)
            || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
                && !matches!(key, "os_hash_algo" | "os_hash_value" | "os_hidden")
    };
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let kept = properties.iter().filter(|(key, _)| says_how(key));
    kept.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_those_that_build_a_server() {
        let text = r#"{"id": "i", "name": "debian", "status": "active", "min_disk": 2,
            "hw_disk_bus": "scsi", "os_type": "linux", "os_hash_value": "00", "os_hidden": false,
            "direct_url": "rbd://x", "hw_machine_type": null, "owner": "p", "self": "/v2/i"}"#;
        let image: Image = serde_json::from_str(text).unwrap();
        let expected = [("hw_disk_bus", "scsi"), ("min_disk", "2"), ("os_type", "linux")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(image.properties(), BTreeMap::from(expected));
    }
}
