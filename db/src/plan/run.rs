use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::plan::{RunState, RunTrigger};
use firn_core::{PlanId, PlanRunId, ProjectId};

use super::{PlanRow, RESOURCE};
use crate::schema::{plan_runs, plans};
use crate::stored::{Name, Number, OptionalTime, Text, Time};
use crate::{Connection, DbError, Scope, microseconds, transaction};

pub(super) const RUN: &str = "plan run";

/// One run of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = plan_runs)]
pub struct PlanRun {
    /// Its id.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: PlanRunId,
    /// The plan.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub plan_id: PlanId,
    /// The plan's project.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub project_id: ProjectId,
    /// Its time by the schedule, or when it was asked for; unique in its plan.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub scheduled_at: DateTime<Utc>,
    /// Why it happens.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub cause: RunTrigger,
    /// Its state.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub state: RunState,
    /// For people: why it was skipped or failed.
    pub message: Option<String>,
    /// How many runs before it were missed, and are made up for by this one.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub missed: u32,
    /// For how many instances it made jobs.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub instances: u32,
    /// For how many instances no job could be made; its events say why.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub refused: u32,
    /// Id for the logs, shared with its jobs.
    pub request_id: String,
    /// When the row was made.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// When its jobs were made.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub started_at: Option<DateTime<Utc>>,
    /// When the last of them had ended, or when it was skipped.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Asks for a run now. A plan that is paused, or that has been asked for a run which has not
/// started yet, is a `Conflict`.
pub fn plan_run_request(
    conn: &mut Connection,
    plan: &PlanRow,
    id: PlanRunId,
    request_id: &str,
    now: DateTime<Utc>,
) -> Result<PlanRun, DbError> {
    let now = microseconds(now);
    transaction(conn, |conn| {
        // The write locks the plan's row: of two who ask at once, the second sees the first's run.
        let runs = diesel::update(
            plans::table
                .find(plan.plan.id.to_string())
                .filter(plans::revision.eq(Number::from(plan.revision))),
        )
        .set(plans::revision.eq(Number::from(plan.revision + 1)))
        .execute(conn)?;
        if runs == 0 {
            return Err(super::change::lost(plan.plan.id));
        }
        if !plan.plan.status.runs() {
            return Err(DbError::conflict(RESOURCE, plan.plan.id, "is paused: resume it first"));
        }
        let waiting: i64 = plan_runs::table
            .filter(plan_runs::plan_id.eq(plan.plan.id.to_string()))
            .filter(plan_runs::state.eq(RunState::Requested.name()))
            .count()
            .get_result(conn)?;
        if waiting > 0 {
            return Err(DbError::conflict(RESOURCE, plan.plan.id, "is about to run already"));
        }
        let run = PlanRun {
            id,
            plan_id: plan.plan.id,
            project_id: plan.plan.project_id.clone(),
            scheduled_at: now,
            cause: RunTrigger::Manual,
            state: RunState::Requested,
            message: None,
            missed: 0,
            instances: 0,
            refused: 0,
            request_id: request_id.to_owned(),
            created_at: now,
            started_at: None,
            finished_at: None,
        };
        diesel::insert_into(plan_runs::table).values(run.clone()).execute(conn)?;
        Ok(run)
    })
}

/// One run, if it is in scope.
pub fn plan_run_get(
    conn: &mut Connection,
    scope: &Scope,
    id: PlanRunId,
) -> Result<PlanRun, DbError> {
    let mut query = plan_runs::table.find(id.to_string()).select(PlanRun::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(plan_runs::project_id.eq(project.to_owned()));
    }
    query.first(conn).optional()?.ok_or_else(|| DbError::not_found(RUN, id))
}

/// At most `limit` runs of a plan in scope, newest first; with `before`, only those scheduled
/// before it.
pub fn plan_run_list(
    conn: &mut Connection,
    scope: &Scope,
    plan: PlanId,
    before: Option<DateTime<Utc>>,
    limit: u32,
) -> Result<Vec<PlanRun>, DbError> {
    let mut query = plan_runs::table
        .filter(plan_runs::plan_id.eq(plan.to_string()))
        .select(PlanRun::as_select())
        .into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(plan_runs::project_id.eq(project.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(plan_runs::scheduled_at.lt(Time::from(before)));
    }
    Ok(query.order(plan_runs::scheduled_at.desc()).limit(limit.into()).load(conn)?)
}

/// At most `limit` runs that were asked for and not started, oldest first.
pub fn plan_runs_requested(conn: &mut Connection, limit: u32) -> Result<Vec<PlanRun>, DbError> {
    in_state(conn, RunState::Requested, limit)
}

/// At most `limit` runs whose jobs exist and whose end was not written, oldest first.
pub fn plan_runs_running(conn: &mut Connection, limit: u32) -> Result<Vec<PlanRun>, DbError> {
    in_state(conn, RunState::Running, limit)
}

fn in_state(conn: &mut Connection, state: RunState, limit: u32) -> Result<Vec<PlanRun>, DbError> {
    Ok(plan_runs::table
        .filter(plan_runs::state.eq(state.name()))
        .order((plan_runs::created_at.asc(), plan_runs::id.asc()))
        .limit(limit.into())
        .select(PlanRun::as_select())
        .load(conn)?)
}
