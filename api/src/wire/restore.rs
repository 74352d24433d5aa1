use chrono::{DateTime, Utc};
use firn_core::{PointId, RestoreTarget};
use firn_db::{Restore, RestoreSort};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::RestoreStatus;
use super::restore_target::{TargetCreate, TargetDocument};
use crate::http::{Filters, Link, SortDir, SortKey, View, object};

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

/// One restore.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoreBody {
    pub(crate) restore: RestoreView,
}

/// A page of restores.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written row by row")]
pub(crate) struct RestoreListBody {
    pub(crate) restores: Vec<RestoreView>,
    /// The next page, where there is one.
    #[schema(required = false)]
    pub(crate) restores_links: Vec<Link>,
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
