use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FileName;

/// Where a restore writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RestoreTarget {
    /// Raw sparse files `<restores folder>/<name>/<device>.raw` on the conductor's machine.
    File {
        /// Name of the new folder.
        name: FileName,
    },
    /// A new instance in the project of whoever asks.
    NewInstance(NewInstance),
    /// The instance itself, as it was.
    Original,
    /// One disk, as a new volume or over the content of one.
    Volume(VolumeTarget),
}

/// How a new instance is to differ from the one that was backed up; by default in nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInstance {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id or name of its flavor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Its availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Name of a keypair of whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// Ids of the networks that take the place of others, by the others' ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, String>,
    /// Keep MAC and fixed addresses where they are free.
    #[serde(default = "yes")]
    pub keep_addresses: bool,
    /// Names of the volume types that take the place of others, by the others' names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub volume_types: BTreeMap<String, String>,
    /// The volume type of disks that were no volumes; none: Cinder's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// What becomes of disks that Nova made: root and ephemeral ones.
    #[serde(default)]
    pub nova_disks: NovaDisks,
}

impl Default for NewInstance {
    fn default() -> Self {
        Self {
            name: None,
            flavor: None,
            availability_zone: None,
            key_name: None,
            networks: BTreeMap::new(),
            keep_addresses: true,
            volume_types: BTreeMap::new(),
            volume_type: None,
            nova_disks: NovaDisks::default(),
        }
    }
}

/// What becomes of disks that Nova made, in a new instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NovaDisks {
    /// Volumes: the instance boots from one, and needs no image.
    #[default]
    Volumes,
    /// What they were: Nova makes them anew from image and flavor, and their content is then
    /// replaced while the instance is shut off.
    Recreated,
}

/// One disk of a restore point as a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeTarget {
    /// The disk, by its device: `vdb`.
    pub device: String,
    /// The volume whose content is replaced; none: a new one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// Name of the new volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Type of the new volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// Availability zone of the new volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bare_target_changes_nothing() {
        let read = |value| serde_json::from_value::<RestoreTarget>(value).unwrap();
        let bare = read(json!({"type": "new_instance"}));
        assert_eq!(bare, RestoreTarget::NewInstance(NewInstance::default()));
        assert_eq!(read(json!({"type": "original"})), RestoreTarget::Original);
        let kept = serde_json::to_value(&bare).unwrap();
        assert_eq!(read(kept), bare);
        let unknown = json!({"type": "new_instance", "flavour": "m1"});
        assert!(serde_json::from_value::<RestoreTarget>(unknown).is_err());
    }
}
