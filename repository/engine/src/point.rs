use chrono::{DateTime, Utc};
use firn_core::{BackupMode, Consistency, DiskId, DiskKind, InstanceId, PointId, ProjectId};
use serde::{Deserialize, Serialize};

use crate::{DiskStats, MapRoot};

/// A disk of a restore point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiskRecord {
    /// Its id.
    pub id: DiskId,
    /// Device in the guest, `vda`: unique within the point.
    pub device: String,
    /// What it was to the instance.
    pub kind: DiskKind,
    /// Size in bytes.
    pub size_bytes: u64,
    /// How to find its content.
    pub root: MapRoot,
    /// What the driver needs to tell what changed since; `None` where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_token: Option<String>,
    /// What storing it took.
    pub stats: DiskStats,
    /// Whatever else the caller wants back: bus, serial, format, volume type, …
    #[serde(default)]
    pub attributes: serde_json::Value,
}

/// A restore point to be committed. Every root must come from the same session or from a
/// committed point of the same domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPoint {
    /// Its id.
    pub id: PointId,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Of which instance.
    pub instance_id: InstanceId,
    /// The instance's name then.
    pub instance_name: String,
    /// The moment the disks show.
    pub created_at: DateTime<Utc>,
    /// How it was made.
    pub mode: BackupMode,
    /// How consistent its disks are.
    pub consistency: Consistency,
    /// The point whose base it was made on: information only, the point is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PointId>,
    /// Its disks.
    pub disks: Vec<DiskRecord>,
    /// Everything needed to rebuild the machine, the domain XML among it.
    #[serde(default)]
    pub identity: serde_json::Value,
}

/// A committed restore point, as the repository keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointRecord {
    /// Its id.
    pub id: PointId,
    /// Dedup domain its chunks live in.
    pub domain: String,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Of which instance.
    pub instance_id: InstanceId,
    /// The instance's name then.
    pub instance_name: String,
    /// The moment the disks show.
    pub created_at: DateTime<Utc>,
    /// How it was made.
    pub mode: BackupMode,
    /// How consistent its disks are.
    pub consistency: Consistency,
    /// The point whose base it was made on: information only, the point is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PointId>,
    /// Its disks.
    pub disks: Vec<DiskRecord>,
    /// Everything needed to rebuild the machine, the domain XML among it.
    #[serde(default)]
    pub identity: serde_json::Value,
}

impl PointRecord {
    pub(crate) fn new(domain: &str, point: NewPoint) -> Self {
        let NewPoint {
            id,
            project_id,
            instance_id,
            instance_name,
            created_at,
            mode,
            consistency,
            parent,
            disks,
            identity,
        } = point;
        Self {
            id,
            domain: domain.to_owned(),
            project_id,
            instance_id,
            instance_name,
            created_at,
            mode,
            consistency,
            parent,
            disks,
            identity,
        }
    }
}

/// One entry of the catalog.
#[derive(Clone, Debug, PartialEq)]
pub enum PointEntry {
    /// A good record.
    Good(Box<PointRecord>),
    /// A record that is there and cannot be read: nothing of it can be believed but its id.
    Damaged {
        /// From the object's name.
        id: PointId,
        /// What is wrong with it.
        reason: String,
    },
}
