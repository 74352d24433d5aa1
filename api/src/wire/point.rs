use chrono::{DateTime, Utc};
use firn_core::{InstanceId, JobId, PlanId, RepositoryId};
use firn_db::{Point, PointDisks, PointSort};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Consistency, Description, DiskKind, Filter, Mode, Name, PointStatus, time};
use crate::http::{ETag, Filters, Link, SortDir, SortKey, View, object};

/// A request for a backup.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointCreateBody {
    #[serde(deserialize_with = "object")]
    pub(crate) restore_point: PointCreate,
}

/// What to back up, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointCreate {
    /// The instance.
    pub(crate) instance_id: Uuid,
    /// How much to read.
    #[serde(default = "incremental")]
    #[schema(default = "incremental")]
    pub(crate) mode: Mode,
    /// What to call the point.
    pub(crate) name: Option<Name>,
    /// A note.
    pub(crate) description: Option<Description>,
    /// Where to store it; the default repository where left out.
    pub(crate) repository_id: Option<Uuid>,
}

const fn incremental() -> Mode {
    Mode::Incremental
}

/// A change of a restore point.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointPatchBody {
    #[serde(deserialize_with = "object")]
    pub(crate) restore_point: PointPatch,
}

/// What to change; what is left out stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointPatch {
    /// What to call the point.
    #[serde(default, deserialize_with = "present")]
    pub(crate) name: Option<Option<Name>>,
    /// A note.
    #[serde(default, deserialize_with = "present")]
    pub(crate) description: Option<Option<Description>>,
    /// Whether no retention of a plan may remove it; from 1.1.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>, nullable = false)]
    pub(crate) pinned: Option<bool>,
}

/// Tells `null` from a field that is left out.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// An action on a restore point: exactly one field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointActionBody {
    /// Read the point back and check every chunk of it.
    #[serde(deserialize_with = "object")]
    pub(crate) verify: VerifyOptions,
}

/// How much to verify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyOptions {
    /// The share of the chunks to read, above 0 and up to 1; all where left out.
    #[schema(minimum = 0, maximum = 1)]
    pub(crate) sample: Option<f64>,
}

/// One restore point.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PointBody {
    pub(crate) restore_point: PointView,
}

/// A page of restore points.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written row by row")]
pub(crate) struct PointListBody {
    pub(crate) restore_points: Vec<PointView>,
    /// The next page, where there is one.
    #[schema(required = false)]
    pub(crate) restore_points_links: Vec<Link>,
}

/// A restore point: the disks of one instance at one time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PointView {
    pub(crate) id: Uuid,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) project_id: String,
    pub(crate) instance_id: Uuid,
    /// The instance's name when the backup was asked for.
    pub(crate) instance_name: String,
    pub(crate) repository_id: Uuid,
    pub(crate) mode: Mode,
    pub(crate) status: PointStatus,
    /// Why it is in error.
    pub(crate) status_reason: Option<String>,
    /// The grade reached; `null` until it is filled.
    pub(crate) consistency: Option<Consistency>,
    /// The job that works on it: that of the request, else the one that filled it.
    pub(crate) job_id: Uuid,
    /// The point that an incremental was compared with. It need not exist any more: every point
    /// is complete.
    pub(crate) parent_id: Option<Uuid>,
    /// Sum of the sizes of its disks; `null` until it is filled, as all sizes.
    pub(crate) size_bytes: Option<u64>,
    /// Bytes read from storage to fill it.
    pub(crate) read_bytes: Option<u64>,
    /// Bytes of content that the repository did not hold before.
    pub(crate) new_bytes: Option<u64>,
    /// Bytes that it added to the repository.
    pub(crate) stored_bytes: Option<u64>,
    #[schema(value_type = Vec<PointDiskView>)]
    pub(crate) disks: PointDisks,
    #[serde(serialize_with = "time::text")]
    pub(crate) created_at: DateTime<Utc>,
    #[serde(serialize_with = "time::text")]
    pub(crate) updated_at: DateTime<Utc>,
    /// When its filling ended.
    #[serde(serialize_with = "time::optional_text")]
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// The plan that made it, which need not exist any more; from 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<Uuid>)]
    pub(crate) plan_id: Option<Option<Uuid>>,
    /// No retention of a plan removes it; from 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) pinned: Option<bool>,
    /// Where it is; from 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
    #[serde(skip)]
    pub(crate) generation: u64,
}

impl View for PointView {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "name",
        "description",
        "project_id",
        "instance_id",
        "instance_name",
        "repository_id",
        "mode",
        "status",
        "status_reason",
        "consistency",
        "job_id",
        "parent_id",
        "size_bytes",
        "read_bytes",
        "new_bytes",
        "stored_bytes",
        "disks",
        "created_at",
        "updated_at",
        "finished_at",
        "plan_id",
        "pinned",
        "links",
    ];
}

/// One disk of a restore point: what [`firn_db::PointDisk`] stores of it is shown as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "it describes what is stored"))]
pub(crate) struct PointDiskView {
    pub(crate) id: Uuid,
    /// Target device in the guest.
    #[schema(example = "vda")]
    pub(crate) device: String,
    pub(crate) kind: DiskKind,
    /// The driver that read it.
    pub(crate) driver: String,
    pub(crate) size_bytes: u64,
    pub(crate) read_bytes: u64,
    pub(crate) new_bytes: u64,
    pub(crate) stored_bytes: u64,
}

impl PointView {
    /// `job` is that of the request, where it made one.
    pub(crate) fn new(point: Point, job: Option<JobId>) -> Self {
        Self {
            id: point.id.0,
            name: point.name,
            description: point.description,
            project_id: point.project_id.0,
            instance_id: point.instance_id.0,
            instance_name: point.instance_name,
            repository_id: point.repository_id.0,
            mode: point.mode.into(),
            status: point.state.into(),
            status_reason: point.error_message,
            consistency: point.consistency.map(Into::into),
            job_id: job.unwrap_or(point.job_id).0,
            parent_id: point.parent_id.map(|parent| parent.0),
            size_bytes: point.virtual_bytes,
            read_bytes: point.read_bytes,
            new_bytes: point.new_bytes,
            stored_bytes: point.stored_bytes,
            disks: point.disks.unwrap_or_default(),
            created_at: point.created_at,
            updated_at: point.updated_at,
            finished_at: point.finished_at,
            plan_id: Some(point.plan_id.map(|id| id.0)),
            pinned: Some(point.pinned),
            links: None,
            generation: point.generation,
        }
    }
}

impl PointView {
    /// Which state of the point this shows.
    pub(crate) fn tag(&self) -> ETag {
        ETag::new(self.generation)
    }
}

/// Which restore points to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PointQuery {
    /// Of this instance.
    pub(crate) instance_id: Option<Uuid>,
    /// Of instances with this name.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) instance_name: Option<Filter>,
    /// In this repository.
    pub(crate) repository_id: Option<Uuid>,
    /// In this state.
    #[param(inline)]
    pub(crate) status: Option<PointStatus>,
    /// Asked for in this mode.
    #[param(inline)]
    pub(crate) mode: Option<Mode>,
    /// With this name.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) name: Option<Filter>,
    /// Made by this plan.
    pub(crate) plan_id: Option<Uuid>,
    /// Asked for at this time or later.
    pub(crate) created_since: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub(crate) created_until: Option<DateTime<Utc>>,
}

/// What restore points are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PointSortKey {
    CreatedAt,
    UpdatedAt,
    InstanceName,
    Status,
    Name,
    SizeBytes,
}

impl SortKey for PointSortKey {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("instance_name", Self::InstanceName),
        ("status", Self::Status),
        ("name", Self::Name),
        ("size_bytes", Self::SizeBytes),
    ];
    const DIRECTION: SortDir = SortDir::Desc;
}

impl From<PointSortKey> for PointSort {
    fn from(key: PointSortKey) -> Self {
        match key {
            PointSortKey::CreatedAt => Self::CreatedAt,
            PointSortKey::UpdatedAt => Self::UpdatedAt,
            PointSortKey::InstanceName => Self::InstanceName,
            PointSortKey::Status => Self::State,
            PointSortKey::Name => Self::Name,
            PointSortKey::SizeBytes => Self::VirtualBytes,
        }
    }
}

impl PointQuery {
    /// What it narrows the list to.
    pub(crate) fn filter(&self) -> firn_db::PointFilter {
        firn_db::PointFilter {
            instance_id: self.instance_id.map(InstanceId),
            repository_id: self.repository_id.map(RepositoryId),
            state: self.status.map(Into::into),
            mode: self.mode.map(Into::into),
            name: self.name.as_ref().map(|name| name.0.clone()),
            instance_name: self.instance_name.as_ref().map(|name| name.0.clone()),
            job_id: None,
            plan_id: self.plan_id.map(PlanId),
            created_since: self.created_since,
            created_until: self.created_until,
        }
    }
}

impl Filters for PointQuery {
    type View = PointView;
    type Key = PointSortKey;
    type Marker = Uuid;
}

#[cfg(test)]
mod tests {
    use firn_core::DiskId;
    use firn_db::PointDisk;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_of_a_disk_is_what_is_shown() {
        for kind in ["root", "ephemeral", "volume"] {
            let stored = PointDisk {
                id: DiskId::new(),
                device: "vda".to_owned(),
                kind: serde_json::from_value(json!(kind)).unwrap(),
                driver: "ceph".to_owned(),
                size_bytes: 4,
                read_bytes: 3,
                new_bytes: 2,
                stored_bytes: 1,
            };
            let json = serde_json::to_value(&stored).unwrap();
            let shown: PointDiskView = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(
                (shown.id, shown.device, shown.driver),
                (stored.id.0, stored.device, stored.driver)
            );
            assert_eq!(serde_json::to_value(shown.kind).unwrap(), json!(kind));
            assert_eq!((shown.size_bytes, shown.read_bytes), (4, 3));
            assert_eq!((shown.new_bytes, shown.stored_bytes), (2, 1));
        }
    }
}
