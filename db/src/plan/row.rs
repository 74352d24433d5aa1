use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::plan::{Plan, PlanSettings, PlanStatus, Retention, RunState, Schedule, Selector};
use firn_core::{Consistency, PlanId, ProjectId, RepositoryId};

use super::RESOURCE;
use crate::schema::plans;
use crate::stored::{Number, OptionalNumber, OptionalText, OptionalTime, Text, Time};
use crate::{Connection, DbError, Scope};

/// A plan with what only our services see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The plan.
    pub plan: Plan,
    /// The Keystone trust under which it runs; `None` where there is no Keystone.
    pub trust_id: Option<String>,
    /// The first scheduled time that was not dealt with; its start, with jitter, is the plan's
    /// `next_run_at`.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// Counts the writes of the row.
    pub revision: u64,
}

/// The same, column by column.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = plans, treat_none_as_null = true)]
pub(super) struct Columns {
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    id: PlanId,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    project_id: ProjectId,
    user_id: String,
    trust_id: Option<String>,
    name: String,
    description: Option<String>,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    status: PlanStatus,
    status_reason: Option<String>,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    instances: Selector,
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    schedule: Option<Schedule>,
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    full_every: u32,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    retention: Retention,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    consistency: Consistency,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    excluded_disks: BTreeSet<String>,
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    bandwidth_bytes_per_second: Option<u64>,
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    repository_id: Option<RepositoryId>,
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    scheduled_at: Option<DateTime<Utc>>,
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    next_run_at: Option<DateTime<Utc>>,
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    last_run_at: Option<DateTime<Utc>>,
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    last_run_status: Option<RunState>,
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    revision: u64,
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    created_at: DateTime<Utc>,
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    updated_at: DateTime<Utc>,
}

impl From<Columns> for PlanRow {
    fn from(row: Columns) -> Self {
        let settings = PlanSettings {
            name: row.name,
            description: row.description,
            instances: row.instances,
            schedule: row.schedule,
            full_every: row.full_every,
            retention: row.retention,
            consistency: row.consistency,
            excluded_disks: row.excluded_disks,
            bandwidth_bytes_per_second: row.bandwidth_bytes_per_second,
            repository_id: row.repository_id,
        };
        let plan = Plan {
            id: row.id,
            settings,
            status: row.status,
            status_reason: row.status_reason,
            project_id: row.project_id,
            user_id: row.user_id,
            next_run_at: row.next_run_at,
            last_run_at: row.last_run_at,
            last_run_status: row.last_run_status,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        let (trust_id, scheduled_at, revision) = (row.trust_id, row.scheduled_at, row.revision);
        Self { plan, trust_id, scheduled_at, revision }
    }
}

impl From<PlanRow> for Columns {
    fn from(row: PlanRow) -> Self {
        let PlanRow { plan, trust_id, scheduled_at, revision } = row;
        let settings = plan.settings;
        Self {
            id: plan.id,
            project_id: plan.project_id,
            user_id: plan.user_id,
            trust_id,
            name: settings.name,
            description: settings.description,
            status: plan.status,
            status_reason: plan.status_reason,
            instances: settings.instances,
            schedule: settings.schedule,
            full_every: settings.full_every,
            retention: settings.retention,
            consistency: settings.consistency,
            excluded_disks: settings.excluded_disks,
            bandwidth_bytes_per_second: settings.bandwidth_bytes_per_second,
            repository_id: settings.repository_id,
            scheduled_at,
            next_run_at: plan.next_run_at,
            last_run_at: plan.last_run_at,
            last_run_status: plan.last_run_status,
            revision,
            created_at: plan.created_at,
            updated_at: plan.updated_at,
        }
    }
}

/// One plan, if it is in scope.
pub fn plan_get(conn: &mut Connection, scope: &Scope, id: PlanId) -> Result<PlanRow, DbError> {
    let mut query = plans::table.find(id.to_string()).select(Columns::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(plans::project_id.eq(project.to_owned()));
    }
    let row: Option<Columns> = query.first(conn).optional()?;
    row.map(PlanRow::from).ok_or_else(|| DbError::not_found(RESOURCE, id))
}
