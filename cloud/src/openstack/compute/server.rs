use std::collections::BTreeMap;

use firn_core::PowerState;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::EmbeddedFlavor;

/// A server, as far as it is used. What a cell that is down does not tell is empty.
#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: String,
    /// `ACTIVE`, `SHUTOFF`, `BUILD`, `ERROR`, ...; `UNKNOWN` while its cell is down.
    pub status: String,
    /// Who owns it.
    #[serde(rename = "tenant_id")]
    pub project_id: String,
    /// Who made it.
    #[serde(default)]
    pub user_id: String,
    /// When it was made, in Nova's form (UTC).
    #[serde(default)]
    pub created: Option<String>,
    /// Its flavor, by value.
    #[serde(default)]
    pub flavor: Option<EmbeddedFlavor>,
    /// The image it was made from; none for one that boots from a volume.
    #[serde(default, deserialize_with = "image_ref")]
    pub image: Option<ImageRef>,
    /// Its owner's key and value pairs.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Name of its keypair, which belongs to [`Server::user_id`].
    #[serde(default)]
    pub key_name: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// Changes by its owner are refused.
    #[serde(default)]
    pub locked: bool,
    /// Why, in the words of whoever locked it.
    #[serde(default)]
    pub locked_reason: Option<String>,
    /// `True` where it has a configuration drive.
    #[serde(default)]
    config_drive: String,
    /// Security groups, once for each port that has them.
    #[serde(default)]
    pub security_groups: Vec<SecurityGroupName>,
    /// Ids of its server groups.
    #[serde(default)]
    pub server_groups: Vec<String>,
    /// Scheduler hints it was made with; only newer versions tell.
    #[serde(default)]
    pub scheduler_hints: Option<BTreeMap<String, Value>>,
    /// Availability zone of its host.
    #[serde(default, rename = "OS-EXT-AZ:availability_zone")]
    pub availability_zone: Option<String>,
    /// Name of its nova-compute service; none before it is scheduled and while it is shelved.
    #[serde(default, rename = "OS-EXT-SRV-ATTR:host")]
    pub host: Option<String>,
    /// Name of the hypervisor that it runs on.
    #[serde(default, rename = "OS-EXT-SRV-ATTR:hypervisor_hostname")]
    pub hypervisor_hostname: Option<String>,
    /// Name of its libvirt domain.
    #[serde(default, rename = "OS-EXT-SRV-ATTR:instance_name")]
    pub instance_name: Option<String>,
    /// Host name given to the guest.
    #[serde(default, rename = "OS-EXT-SRV-ATTR:hostname")]
    pub hostname: Option<String>,
    /// `/dev/vda`.
    #[serde(default, rename = "OS-EXT-SRV-ATTR:root_device_name")]
    pub root_device_name: Option<String>,
    /// User data in base64; may hold its owner's secrets.
    #[serde(default, rename = "OS-EXT-SRV-ATTR:user_data")]
    pub user_data: Option<String>,
    /// `active`, `stopped`, `shelved_offloaded`, ...
    #[serde(default, rename = "OS-EXT-STS:vm_state")]
    pub vm_state: Option<String>,
    /// What Nova does with it now; none when nothing.
    #[serde(default, rename = "OS-EXT-STS:task_state")]
    pub task_state: Option<String>,
    #[serde(default, rename = "OS-EXT-STS:power_state")]
    power_state: u32,
    /// What went wrong, for one in `ERROR`.
    #[serde(default)]
    pub fault: Option<ServerFault>,
}

/// An image that a server was made from.
#[derive(Clone, Debug, Deserialize)]
pub struct ImageRef {
    /// Its id.
    pub id: String,
    /// Its properties when the server was made of it; only newer versions tell.
    pub properties: Option<BTreeMap<String, Value>>,
}

/// A security group; its id is with the ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct SecurityGroupName {
    /// Its name.
    pub name: String,
}

/// Why a server is in `ERROR`.
#[derive(Clone, Debug, Deserialize)]
pub struct ServerFault {
    /// In Nova's words.
    #[serde(default)]
    pub message: String,
}

impl Server {
    /// Whether it runs, as Nova last saw it.
    pub fn power_state(&self) -> PowerState {
        if self.is_suspended() {
            return PowerState::Unknown;
        }
        match self.power_state {
            // Running, paused, crashed: QEMU has the disks open.
            1 | 3 | 6 => PowerState::Running,
            4 => PowerState::ShutOff,
            _ => PowerState::Unknown,
        }
    }

    /// Whether its memory is saved on its host: nobody writes to its disks, and it goes on with what
    /// it had not written yet. libvirt says of it what it says of one that is off.
    pub fn is_suspended(&self) -> bool {
        self.vm_state.as_deref() == Some("suspended")
    }

    /// Whether it has a configuration drive.
    pub fn has_config_drive(&self) -> bool {
        self.config_drive.eq_ignore_ascii_case("true")
    }
}

/// Nova says `""` for a server that has none.
fn image_ref<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ImageRef>, D::Error> {
    #[derive(Deserialize)]
    struct Image {
        id: Option<String>,
        properties: Option<BTreeMap<String, Value>>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Image(Image),
        Text(String),
        Nothing(()),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Image(Image { id: Some(id), properties }) => Some(ImageRef { id, properties }),
        Form::Text(id) if !id.is_empty() => Some(ImageRef { id, properties: None }),
        Form::Image(_) | Form::Text(_) | Form::Nothing(()) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(extra: &str) -> Server {
        let text = format!(r#"{{"id": "s", "status": "ACTIVE", "tenant_id": "p" {extra}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_server_without_image_has_none() {
        let image =
            |text: &str| server(&format!(r#", "image": {text}"#)).image.map(|image| image.id);
        assert_eq!(image(r#""""#), None);
        assert_eq!(image("null"), None);
        assert_eq!(image(r#"{"properties": {}}"#), None);
        assert_eq!(image(r#"{"id": "i", "links": []}"#).as_deref(), Some("i"));
        assert!(server("").image.is_none(), "a cell that is down tells none");
    }

    #[test]
    fn newer_versions_tell_the_image_as_it_was() {
        let properties = |text: &str| {
            let image = server(&format!(r#", "image": {{"id": "i" {text}}}"#)).image;
            image.unwrap().properties
        };
        assert_eq!(properties(""), None);
        assert_eq!(properties(r#", "properties": {}"#), Some(BTreeMap::new()));
        let told = properties(r#", "properties": {"hw_disk_bus": "scsi"}"#).unwrap();
        assert_eq!(told["hw_disk_bus"], "scsi");
    }

    #[test]
    fn power_states_are_novas_numbers() {
        let state =
            |number| server(&format!(r#", "OS-EXT-STS:power_state": {number}"#)).power_state();
        assert_eq!(state(1), PowerState::Running);
        assert_eq!(state(3), PowerState::Running, "a paused guest has its disks open");
        assert_eq!(state(4), PowerState::ShutOff);
        assert_eq!(state(0), PowerState::Unknown);
        let suspended = r#", "OS-EXT-STS:power_state": 4, "OS-EXT-STS:vm_state": "suspended""#;
        assert_eq!(server(suspended).power_state(), PowerState::Unknown);
        assert_eq!(server("").power_state(), PowerState::Unknown);
    }
}
