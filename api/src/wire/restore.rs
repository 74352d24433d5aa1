use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use firn_core::{FileName, NewInstance, NovaDisks, PointId, RestoreTarget, VolumeTarget};
use firn_db::{Restore, RestoreSort};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Name, RestoreStatus, TargetName, plain};
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
    #[schema(value_type = TargetDocument)]
    pub(crate) target: TargetCreate,
    /// Only say what would be made, changed or refused; for targets in the cloud.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// Where to write.
#[derive(ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "it documents what TargetCreate reads")]
pub(crate) enum TargetDocument {
    /// Files on the conductor's machine.
    File {
        /// One plain file name: a new folder of this name gets one raw sparse file a disk.
        name: TargetName,
    },
    /// A new instance in the caller's project, in the caller's name. What is not said is as it was.
    NewInstance {
        /// Its name.
        #[schema(required = false)]
        name: Option<Name>,
        /// Id or name of its flavor.
        #[schema(required = false)]
        flavor: Option<Name>,
        /// Its availability zone.
        #[schema(required = false)]
        availability_zone: Option<Name>,
        /// Name of a keypair of the caller.
        #[schema(required = false)]
        key_name: Option<Name>,
        /// Ids of networks that take the place of others, by the others' ids.
        #[schema(required = false)]
        networks: Option<BTreeMap<String, Name>>,
        /// Keep MAC and fixed addresses where they are free; the default.
        #[schema(required = false)]
        keep_addresses: Option<bool>,
        /// Names of volume types that take the place of others, by the others' names.
        #[schema(required = false)]
        volume_types: Option<BTreeMap<String, Name>>,
        /// Volume type of disks that were no volumes; without it, Cinder's default.
        #[schema(required = false)]
        volume_type: Option<Name>,
        /// What becomes of root and ephemeral disks that Nova made.
        #[schema(required = false)]
        nova_disks: Option<NovaDisksWord>,
    },
    /// The instance itself: it is shut off, its disks get the content of the restore point, and it
    /// is started again if it ran. What they held is kept until then.
    Original {},
    /// One disk as a volume in the caller's project.
    Volume {
        /// The disk, by its device, such as `vdb`.
        device: Name,
        /// An available volume whose content is replaced; without it a new one is made.
        #[schema(required = false)]
        volume_id: Option<Uuid>,
        /// Name of the new volume.
        #[schema(required = false)]
        name: Option<Name>,
        /// Type of the new volume.
        #[schema(required = false)]
        volume_type: Option<Name>,
        /// Availability zone of the new volume.
        #[schema(required = false)]
        availability_zone: Option<Name>,
    },
}

/// What becomes of disks that Nova made.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NovaDisksWord {
    /// Volumes: the instance boots from one and needs no image.
    Volumes,
    /// What they were: Nova makes them anew, and their content is then replaced.
    Recreated,
}

/// Kinds of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TargetType {
    File,
    NewInstance,
    Original,
    Volume,
}

/// [`TargetDocument`] as it is read: flat, so that what is wrong is said of its field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetCreate {
    #[serde(rename = "type")]
    kind: TargetType,
    #[serde(default)]
    name: Option<Name>,
    #[serde(default)]
    flavor: Option<Name>,
    #[serde(default)]
    availability_zone: Option<Name>,
    #[serde(default)]
    key_name: Option<Name>,
    #[serde(default)]
    networks: Option<BTreeMap<String, Name>>,
    #[serde(default)]
    keep_addresses: Option<bool>,
    #[serde(default)]
    volume_types: Option<BTreeMap<String, Name>>,
    #[serde(default)]
    volume_type: Option<Name>,
    #[serde(default)]
    nova_disks: Option<NovaDisksWord>,
    #[serde(default)]
    device: Option<Name>,
    #[serde(default)]
    volume_id: Option<Uuid>,
}

/// A field of a target that is wrong, and why.
type Wrong = (&'static str, String);

impl TargetCreate {
    /// The target, or which field is wrong.
    pub(crate) fn target(self) -> Result<RestoreTarget, Wrong> {
        self.check()?;
        let text = |name: Option<Name>| name.map(|name| name.0);
        Ok(match self.kind {
            TargetType::File => {
                let name = self.name.ok_or_else(|| missing("name"))?;
                let name = FileName::new(name.0).map_err(|error| ("name", error.to_string()))?;
                RestoreTarget::File { name }
            }
            TargetType::NewInstance => RestoreTarget::NewInstance(NewInstance {
                name: text(self.name),
                flavor: text(self.flavor),
                availability_zone: text(self.availability_zone),
                key_name: text(self.key_name),
                networks: replacements("networks", self.networks)?,
                keep_addresses: self.keep_addresses.unwrap_or(true),
                volume_types: replacements("volume_types", self.volume_types)?,
                volume_type: text(self.volume_type),
                nova_disks: match self.nova_disks {
                    None | Some(NovaDisksWord::Volumes) => NovaDisks::Volumes,
                    Some(NovaDisksWord::Recreated) => NovaDisks::Recreated,
                },
            }),
            TargetType::Original => RestoreTarget::Original,
            TargetType::Volume => RestoreTarget::Volume(VolumeTarget {
                device: self.device.ok_or_else(|| missing("device"))?.0,
                volume_id: self.volume_id.map(|id| id.to_string()),
                name: text(self.name),
                volume_type: text(self.volume_type),
                availability_zone: text(self.availability_zone),
            }),
        })
    }

    /// Whether all that is said belongs to the kind of target.
    fn check(&self) -> Result<(), Wrong> {
        use TargetType::{File, NewInstance, Volume};
        let fields: [(&str, bool, &[TargetType]); 11] = [
            ("name", self.name.is_some(), &[File, NewInstance, Volume]),
            ("flavor", self.flavor.is_some(), &[NewInstance]),
            ("availability_zone", self.availability_zone.is_some(), &[NewInstance, Volume]),
            ("key_name", self.key_name.is_some(), &[NewInstance]),
            ("networks", self.networks.is_some(), &[NewInstance]),
            ("keep_addresses", self.keep_addresses.is_some(), &[NewInstance]),
            ("volume_types", self.volume_types.is_some(), &[NewInstance]),
            ("volume_type", self.volume_type.is_some(), &[NewInstance, Volume]),
            ("nova_disks", self.nova_disks.is_some(), &[NewInstance]),
            ("device", self.device.is_some(), &[Volume]),
            ("volume_id", self.volume_id.is_some(), &[Volume]),
        ];
        match fields.iter().find(|(_, said, kinds)| *said && !kinds.contains(&self.kind)) {
            Some((field, ..)) => {
                Err((field, "does not belong to a target of this type".to_owned()))
            }
            None => Ok(()),
        }
    }
}

fn missing(field: &'static str) -> Wrong {
    (field, "is missing".to_owned())
}

fn replacements(
    field: &'static str,
    names: Option<BTreeMap<String, Name>>,
) -> Result<BTreeMap<String, String>, Wrong> {
    let names = names.unwrap_or_default();
    match names.keys().find_map(|key| plain(key).err()) {
        Some(reason) => Err((field, reason)),
        None => Ok(names.into_iter().map(|(former, name)| (former, name.0)).collect()),
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
    #[schema(value_type = TargetDocument)]
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
