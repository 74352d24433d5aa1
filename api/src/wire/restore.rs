use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use firn_core::{NewInstance, NovaDisks, PointId, RestoreTarget, VolumeTarget};
use firn_db::{Restore, RestoreSort};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Name, RestoreStatus, TargetName};
use crate::http::{Filters, Link, Listed, SortDir, SortKey, View, object};

/// A request for a restore.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreCreateBody {
    #[serde(deserialize_with = "object")]
    pub(crate) restore: RestoreCreate,
}

/// What to restore, and where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreCreate {
    /// The restore point. It must be available.
    pub(crate) restore_point_id: Uuid,
    #[serde(deserialize_with = "object")]
    pub(crate) target: TargetCreate,
    /// Only say what would be made, changed or refused; for targets in the cloud.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// Where to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum TargetCreate {
    /// Files on the conductor's machine.
    File {
        /// One plain file name: a new folder of this name gets one raw sparse file a disk.
        name: TargetName,
    },
    /// A new instance in the caller's project, in the caller's name. What is not said is as it was.
    NewInstance {
        /// Its name.
        #[serde(default)]
        #[schema(required = false)]
        name: Option<Name>,
        /// Id or name of its flavor.
        #[serde(default)]
        #[schema(required = false)]
        flavor: Option<Name>,
        /// Its availability zone.
        #[serde(default)]
        #[schema(required = false)]
        availability_zone: Option<Name>,
        /// Name of a keypair of the caller.
        #[serde(default)]
        #[schema(required = false)]
        key_name: Option<Name>,
        /// Ids of networks that take the place of others, by the others' ids.
        #[serde(default)]
        networks: BTreeMap<String, Name>,
        /// Keep MAC and fixed addresses where they are free.
        #[serde(default = "yes")]
        keep_addresses: bool,
        /// Names of volume types that take the place of others, by the others' names.
        #[serde(default)]
        volume_types: BTreeMap<String, Name>,
        /// Volume type of disks that were no volumes; without it, Cinder's default.
        #[serde(default)]
        #[schema(required = false)]
        volume_type: Option<Name>,
        /// What becomes of root and ephemeral disks that Nova made.
        #[serde(default)]
        nova_disks: NovaDisksWord,
    },
    /// The instance itself: it is shut off, its disks get the content of the restore point, and it
    /// is started again if it ran. What they held is kept until then.
    Original {},
    /// One disk as a volume in the caller's project.
    Volume {
        /// The disk, by its device, such as `vdb`.
        device: Name,
        /// An available volume whose content is replaced; without it a new one is made.
        #[serde(default)]
        #[schema(required = false)]
        volume_id: Option<Uuid>,
        /// Name of the new volume.
        #[serde(default)]
        #[schema(required = false)]
        name: Option<Name>,
        /// Type of the new volume.
        #[serde(default)]
        #[schema(required = false)]
        volume_type: Option<Name>,
        /// Availability zone of the new volume.
        #[serde(default)]
        #[schema(required = false)]
        availability_zone: Option<Name>,
    },
}

/// What becomes of disks that Nova made.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NovaDisksWord {
    /// Volumes: the instance boots from one and needs no image.
    #[default]
    Volumes,
    /// What they were: Nova makes them anew, and their content is then replaced.
    Recreated,
}

const fn yes() -> bool {
    true
}

impl From<TargetCreate> for RestoreTarget {
    fn from(target: TargetCreate) -> Self {
        let text = |name: Option<Name>| name.map(|name| name.0);
        let map = |names: BTreeMap<String, Name>| {
            names.into_iter().map(|(former, name)| (former, name.0)).collect()
        };
        match target {
            TargetCreate::File { name } => Self::File { name: name.0 },
            TargetCreate::NewInstance {
                name,
                flavor,
                availability_zone,
                key_name,
                networks,
                keep_addresses,
                volume_types,
                volume_type,
                nova_disks,
            } => Self::NewInstance(NewInstance {
                name: text(name),
                flavor: text(flavor),
                availability_zone: text(availability_zone),
                key_name: text(key_name),
                networks: map(networks),
                keep_addresses,
                volume_types: map(volume_types),
                volume_type: text(volume_type),
                nova_disks: match nova_disks {
                    NovaDisksWord::Volumes => NovaDisks::Volumes,
                    NovaDisksWord::Recreated => NovaDisks::Recreated,
                },
            }),
            TargetCreate::Original {} => Self::Original,
            TargetCreate::Volume { device, volume_id, name, volume_type, availability_zone } => {
                Self::Volume(VolumeTarget {
                    device: device.0,
                    volume_id: volume_id.map(|id| id.to_string()),
                    name: text(name),
                    volume_type: text(volume_type),
                    availability_zone: text(availability_zone),
                })
            }
        }
    }
}

/// One restore.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoreBody {
    pub(crate) restore: RestoreView,
}

/// A page of restores.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoreListBody {
    pub(crate) restores: Vec<RestoreView>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) restores_links: Vec<Link>,
}

impl From<Listed<RestoreView>> for RestoreListBody {
    fn from(listed: Listed<RestoreView>) -> Self {
        Self { restores: listed.items, restores_links: listed.links }
    }
}

/// A restore.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoreView {
    pub(crate) id: Uuid,
    pub(crate) project_id: String,
    /// What is restored. It may have been deleted since.
    pub(crate) restore_point_id: Uuid,
    pub(crate) job_id: Uuid,
    pub(crate) status: RestoreStatus,
    /// Why it is in error.
    pub(crate) status_reason: Option<String>,
    #[schema(value_type = TargetCreate)]
    pub(crate) target: RestoreTarget,
    /// What was made, or in a dry run, would be: ids, and `changes` and `problems` in words. Not
    /// before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    pub(crate) result: Option<Value>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Where it is; from 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
}

impl View for RestoreView {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "project_id",
        "restore_point_id",
        "job_id",
        "status",
        "status_reason",
        "target",
        "result",
        "created_at",
        "updated_at",
        "finished_at",
        "links",
    ];
}

impl From<Restore> for RestoreView {
    fn from(restore: Restore) -> Self {
        Self {
            id: restore.id.0,
            project_id: restore.project_id.0,
            restore_point_id: restore.point_id.0,
            job_id: restore.job_id.0,
            status: restore.state.into(),
            status_reason: restore.error_message,
            target: restore.target,
            result: restore.result,
            created_at: restore.created_at,
            updated_at: restore.updated_at,
            finished_at: restore.finished_at,
            links: None,
        }
    }
}

/// Which restores to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RestoreQuery {
    /// Of this restore point.
    pub(crate) restore_point_id: Option<Uuid>,
    /// In this state.
    #[param(inline)]
    pub(crate) status: Option<RestoreStatus>,
    /// Asked for at this time or later.
    pub(crate) created_since: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub(crate) created_until: Option<DateTime<Utc>>,
}

/// What restores are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RestoreSortKey {
    CreatedAt,
    UpdatedAt,
    Status,
}

impl SortKey for RestoreSortKey {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("status", Self::Status),
    ];
    const DIRECTION: SortDir = SortDir::Desc;
}

impl From<RestoreSortKey> for RestoreSort {
    fn from(key: RestoreSortKey) -> Self {
        match key {
            RestoreSortKey::CreatedAt => Self::CreatedAt,
            RestoreSortKey::UpdatedAt => Self::UpdatedAt,
            RestoreSortKey::Status => Self::State,
        }
    }
}

impl RestoreQuery {
    /// What it narrows the list to.
    pub(crate) fn filter(&self) -> firn_db::RestoreFilter {
        firn_db::RestoreFilter {
            point_id: self.restore_point_id.map(PointId),
            state: self.status.map(Into::into),
            job_id: None,
            created_since: self.created_since,
            created_until: self.created_until,
        }
    }
}

impl Filters for RestoreQuery {
    type View = RestoreView;
    type Key = RestoreSortKey;
    type Marker = Uuid;
}
