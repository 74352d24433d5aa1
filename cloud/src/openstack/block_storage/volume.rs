use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A volume, as far as it is used. Who may not see a field finds it empty.
#[derive(Clone, Debug, Deserialize)]
pub struct Volume {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: Option<String>,
    /// `available`, `in-use`, `retyping`, ...
    pub status: String,
    /// Size.
    #[serde(rename = "size")]
    pub size_gib: u64,
    /// Name of its type.
    #[serde(default)]
    pub volume_type: Option<String>,
    /// Availability zone.
    #[serde(default)]
    pub availability_zone: Option<String>,
    #[serde(default)]
    bootable: String,
    /// Encrypted by Cinder: its bytes on the storage are not those that the guest sees.
    #[serde(default)]
    pub encrypted: bool,
    /// Id of the key that encrypts it, which is deleted with it; none also for a key that an
    /// operator gave to all volumes.
    #[serde(default)]
    pub encryption_key_id: Option<String>,
    /// Several servers may have it at once.
    #[serde(default)]
    pub multiattach: bool,
    /// Its owner's key and value pairs.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Properties of the image that it was made of.
    #[serde(default, rename = "volume_image_metadata")]
    pub image_metadata: BTreeMap<String, String>,
    /// The servers that have it.
    #[serde(default)]
    pub attachments: Vec<VolumeServer>,
    /// The snapshot that it was made of.
    #[serde(default)]
    pub snapshot_id: Option<String>,
    /// How far a migration has come; for administrators.
    #[serde(default)]
    migration_status: Option<String>,
    /// `node@backend#pool`; for administrators.
    #[serde(default, rename = "os-vol-host-attr:host")]
    pub host: Option<String>,
    /// Who owns it; for administrators.
    #[serde(default, rename = "os-vol-tenant-attr:tenant_id")]
    pub project_id: Option<String>,
    /// The id that the storage knows it by, where a migration made that another one; for
    /// administrators.
    #[serde(default, rename = "os-vol-mig-status-attr:name_id")]
    name_id: Option<String>,
}

/// A server that has a volume.
#[derive(Clone, Debug, Deserialize)]
pub struct VolumeServer {
    /// The server.
    pub server_id: String,
    /// Id of the attachment.
    #[serde(default)]
    pub attachment_id: Option<String>,
    /// `/dev/vdb`.
    #[serde(default)]
    pub device: Option<String>,
    /// When, in Cinder's form (UTC).
    #[serde(default)]
    pub attached_at: Option<String>,
}

impl Volume {
    /// Whether servers can boot from it.
    pub fn is_bootable(&self) -> bool {
        self.bootable == "true"
    }

    /// The id in its name on the storage: `volume-<this>`.
    pub fn storage_id(&self) -> &str {
        self.name_id.as_deref().unwrap_or(&self.id)
    }

    /// Whether it is being moved to another storage now.
    pub fn is_moving(&self) -> bool {
        let settled = matches!(self.migration_status.as_deref(), None | Some("success" | "error"));
        self.status == "retyping" || !settled
    }
}

/// A volume to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewVolume {
    /// Size; at least that of the snapshot.
    #[serde(rename = "size")]
    pub size_gib: u64,
    /// Name.
    pub name: String,
    /// Name or id of its type; none: Cinder's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// Availability zone; none: Cinder's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// The snapshot to make it of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Key and value pairs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(extra: &str) -> Volume {
        let text = format!(r#"{{"id": "v", "status": "in-use", "size": 1 {extra}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_migrated_volume_has_another_name_on_the_storage() {
        assert_eq!(volume("").storage_id(), "v");
        let migrated = r#", "os-vol-mig-status-attr:name_id": "w", "migration_status": "success""#;
        assert_eq!(volume(migrated).storage_id(), "w");
        assert!(!volume(migrated).is_moving());
        assert!(volume(r#", "migration_status": "migrating""#).is_moving());
        assert!(!volume(r#", "migration_status": null"#).is_moving());
        assert!(!volume("").is_bootable() && volume(r#", "bootable": "true""#).is_bootable());
    }
}
