use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use firn_core::RepositoryId;
use firn_core::plan::{PlanPatch, PlanSettings, Retention, Schedule, Selector};
use firn_db::{PlanFilter, PlanRow, PlanRun, PlanSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::plan_document::{
    InstancesDocument, PlanPatchDocument, PlanSettingsDocument, RetentionDocument, ScheduleDocument,
};
use super::{Consistency, Filter, PlanStatus, Reason, RunStatus, RunTrigger};
use crate::http::{ETag, Filters, Link, Listed, SortDir, SortKey, View, object};

/// A request for a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanCreateBody {
    #[serde(deserialize_with = "object")]
    #[schema(value_type = PlanSettingsDocument)]
    pub(crate) plan: PlanSettings,
}

/// A change of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanPatchBody {
    #[serde(deserialize_with = "object")]
    #[schema(value_type = PlanPatchDocument)]
    pub(crate) plan: PlanPatch,
}

/// An action on a plan: exactly one field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlanActionBody {
    /// Run it now, whatever its schedule says.
    Run(#[serde(deserialize_with = "object")] NoOptions),
    /// Run it no more until it is resumed.
    Pause(#[serde(deserialize_with = "object")] PauseOptions),
    /// Run it again when it is due.
    Resume(#[serde(deserialize_with = "object")] NoOptions),
}

/// There are none yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoOptions {}

/// How to pause.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseOptions {
    /// Why, for those who look at the plan.
    #[serde(default)]
    pub(crate) reason: Option<Reason>,
}

/// One plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanBody {
    pub(crate) plan: PlanView,
}

/// A page of plans.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written row by row")]
pub(crate) struct PlanListBody {
    pub(crate) plans: Vec<PlanView>,
    /// The next page, where there is one.
    #[schema(required = false)]
    pub(crate) plans_links: Vec<Link>,
}

/// A plan: what is backed up when, and how long it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanView {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) status: PlanStatus,
    /// Why it is paused or in error.
    pub(crate) status_reason: Option<String>,
    pub(crate) project_id: String,
    /// In whose name it runs.
    pub(crate) user_id: String,
    /// Which instances of the project it protects.
    #[schema(value_type = InstancesDocument)]
    pub(crate) instances: Selector,
    /// When it runs; `null`: only on demand.
    #[schema(value_type = Option<ScheduleDocument>)]
    pub(crate) schedule: Option<Schedule>,
    /// Every how many points of an instance are full; 0: only the first.
    pub(crate) full_every: u32,
    #[schema(value_type = RetentionDocument)]
    pub(crate) retention: Retention,
    /// The least grade that a point must have.
    pub(crate) consistency: Consistency,
    /// Devices that are not read.
    pub(crate) excluded_disks: BTreeSet<String>,
    /// How fast each backup may read; `null`: as fast as it can.
    pub(crate) bandwidth_bytes_per_second: Option<u64>,
    /// Where points go; `null`: to the default repository.
    pub(crate) repository_id: Option<Uuid>,
    /// When the next run starts; `null` without a schedule and while paused.
    pub(crate) next_run_at: Option<DateTime<Utc>>,
    /// When the last run started or was skipped.
    pub(crate) last_run_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub(crate) last_run_status: Option<RunStatus>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
    #[serde(skip)]
    pub(crate) revision: u64,
}

impl View for PlanView {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "name",
        "description",
        "status",
        "status_reason",
        "project_id",
        "user_id",
        "instances",
        "schedule",
        "full_every",
        "retention",
        "consistency",
        "excluded_disks",
        "bandwidth_bytes_per_second",
        "repository_id",
        "next_run_at",
        "last_run_at",
        "last_run_status",
        "created_at",
        "updated_at",
        "links",
    ];
}

impl PlanView {
    /// Which state of the plan this shows.
    pub(crate) fn tag(&self) -> ETag {
        ETag::new(self.revision)
    }
}

impl From<PlanRow> for PlanView {
    /// The trust stays inside.
    fn from(row: PlanRow) -> Self {
        let (plan, revision) = (row.plan, row.revision);
        let settings = plan.settings;
        Self {
            id: plan.id.0,
            name: settings.name,
            description: settings.description,
            status: plan.status.into(),
            status_reason: plan.status_reason,
            project_id: plan.project_id.0,
            user_id: plan.user_id,
            instances: settings.instances,
            schedule: settings.schedule,
            full_every: settings.full_every,
            retention: settings.retention,
            consistency: settings.consistency.into(),
            excluded_disks: settings.excluded_disks,
            bandwidth_bytes_per_second: settings.bandwidth_bytes_per_second,
            repository_id: settings.repository_id.map(|id| id.0),
            next_run_at: plan.next_run_at,
            last_run_at: plan.last_run_at,
            last_run_status: plan.last_run_status.map(Into::into),
            created_at: plan.created_at,
            updated_at: plan.updated_at,
            links: None,
            revision,
        }
    }
}

/// A page of the runs of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunListBody {
    /// Newest first.
    pub(crate) runs: Vec<RunView>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) runs_links: Vec<Link>,
}

impl From<Listed<RunView>> for RunListBody {
    fn from(listed: Listed<RunView>) -> Self {
        Self { runs: listed.items, runs_links: listed.links }
    }
}

/// One run of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
    pub(crate) id: Uuid,
    pub(crate) plan_id: Uuid,
    pub(crate) trigger: RunTrigger,
    pub(crate) status: RunStatus,
    /// Why it was skipped or failed.
    pub(crate) status_reason: Option<String>,
    /// Runs before it that were missed, and are made up for by it.
    pub(crate) missed_count: u32,
    /// Instances that it made jobs for.
    pub(crate) instance_count: u32,
    /// Instances that no job could be made for.
    pub(crate) refused_count: u32,
    /// Id of the request, as its jobs have it.
    pub(crate) request_id: String,
    /// Its time by the schedule, or when it was asked for.
    pub(crate) scheduled_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

impl From<PlanRun> for RunView {
    fn from(run: PlanRun) -> Self {
        Self {
            id: run.id.0,
            plan_id: run.plan_id.0,
            trigger: run.cause.into(),
            status: run.state.into(),
            status_reason: run.message,
            missed_count: run.missed,
            instance_count: run.instances,
            refused_count: run.refused,
            request_id: run.request_id,
            scheduled_at: run.scheduled_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// Which runs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// At most that many.
    #[param(minimum = 1)]
    pub(crate) limit: Option<u32>,
    /// The id of the last one of the page before.
    pub(crate) marker: Option<Uuid>,
}

/// Which plans to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlanQuery {
    /// With this name.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) name: Option<Filter>,
    /// In this state.
    #[param(inline)]
    pub(crate) status: Option<PlanStatus>,
    /// Into this repository.
    pub(crate) repository_id: Option<Uuid>,
}

/// What plans are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlanSortKey {
    CreatedAt,
    UpdatedAt,
    Name,
    Status,
}

impl SortKey for PlanSortKey {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("name", Self::Name),
        ("status", Self::Status),
    ];
    const DIRECTION: SortDir = SortDir::Desc;
}

impl From<PlanSortKey> for PlanSort {
    fn from(key: PlanSortKey) -> Self {
        match key {
            PlanSortKey::CreatedAt => Self::CreatedAt,
            PlanSortKey::UpdatedAt => Self::UpdatedAt,
            PlanSortKey::Name => Self::Name,
            PlanSortKey::Status => Self::Status,
        }
    }
}

impl Filters for PlanQuery {
    type View = PlanView;
    type Key = PlanSortKey;
    type Marker = Uuid;
}

impl PlanQuery {
    /// What it narrows the list to.
    pub(crate) fn filter(&self) -> PlanFilter {
        PlanFilter {
            name: self.name.as_ref().map(|name| name.0.clone()),
            status: self.status.map(Into::into),
            repository_id: self.repository_id.map(RepositoryId),
        }
    }
}
