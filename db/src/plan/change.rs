use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::plan::{NextRun, Plan, PlanError, PlanEvent, PlanPatch, PlanSettings, PlanStatus};
use firn_core::{PlanId, ProjectId};

use super::RESOURCE;
use super::row::{Columns, PlanRow};
use crate::schema::{plan_run_events, plan_runs, plans};
use crate::stored::{Name, Number};
use crate::{Connection, DbError, microseconds, transaction};

/// What a new plan is made from.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// Its id, chosen by the caller.
    pub id: PlanId,
    /// Who owns it.
    pub project_id: ProjectId,
    /// The user in whose name it runs.
    pub user_id: String,
    /// The trust that this user gave.
    pub trust_id: Option<String>,
    /// What the owner chose; checked here.
    pub settings: PlanSettings,
}

/// Makes a plan, active and with its first run ahead of `now`. Wrong settings are
/// `InvalidInput` with the field, an unknown repository is a `Conflict`.
pub fn plan_create(
    conn: &mut Connection,
    new: NewPlan,
    now: DateTime<Utc>,
) -> Result<PlanRow, DbError> {
    new.settings.validate().map_err(invalid)?;
    let now = microseconds(now);
    let next = next_run(new.id, &new.settings, now)?;
    let row = PlanRow {
        plan: Plan {
            id: new.id,
            settings: new.settings,
            status: PlanStatus::Active,
            status_reason: None,
            project_id: new.project_id,
            user_id: new.user_id,
            next_run_at: next.map(|next| next.start_at),
            last_run_at: None,
            last_run_status: None,
            created_at: now,
            updated_at: now,
        },
        trust_id: new.trust_id,
        scheduled_at: next.map(|next| next.scheduled_at),
        revision: 0,
    };
    let columns = Columns::from(row.clone());
    transaction(conn, |conn| {
        diesel::insert_into(plans::table).values(columns.clone()).execute(conn)?;
        Ok(())
    })?;
    Ok(row)
}

/// Changes a plan, as it was read. A changed schedule counts from `now`: what was due under the
/// old one is not made up for. A plan that someone else changed since is a `Conflict`.
pub fn plan_update(
    conn: &mut Connection,
    before: &PlanRow,
    patch: PlanPatch,
    now: DateTime<Utc>,
) -> Result<PlanRow, DbError> {
    let mut after = before.clone();
    after.plan.settings = patch.apply(before.plan.settings.clone());
    after.plan.settings.validate().map_err(invalid)?;
    if after.plan.settings.schedule != before.plan.settings.schedule {
        reschedule(&mut after, now)?;
    }
    write(conn, before, after, now)
}

/// Moves a plan, as it was read, on by one event. A paused plan has no next run; a resumed one
/// has its next after `now`, and nothing of the pause is made up for.
pub fn plan_transition(
    conn: &mut Connection,
    before: &PlanRow,
    event: PlanEvent,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<PlanRow, DbError> {
    let mut after = before.clone();
    after.plan.status = before.plan.status.next(event).ok_or_else(|| {
        let reason = format!("is {}", before.plan.status.name());
        DbError::conflict(RESOURCE, before.plan.id, reason)
    })?;
    after.plan.status_reason =
        reason.filter(|_| after.plan.status != PlanStatus::Active).map(str::to_owned);
    let resumed = event == PlanEvent::Resume && before.plan.status == PlanStatus::Paused;
    if after.plan.status == PlanStatus::Paused || resumed {
        reschedule(&mut after, now)?;
    }
    write(conn, before, after, now)
}

/// Makes a plan, as it was read, run in another user's name.
pub fn plan_set_trust(
    conn: &mut Connection,
    before: &PlanRow,
    user_id: &str,
    trust_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<PlanRow, DbError> {
    let mut after = before.clone();
    user_id.clone_into(&mut after.plan.user_id);
    after.trust_id = trust_id.map(str::to_owned);
    write(conn, before, after, now)
}

/// Removes a plan, as it was read, with the history of its runs. Its points stay, and are nobody's
/// to remove but their owner's. Jobs of a run that is under way go on.
pub fn plan_delete(conn: &mut Connection, before: &PlanRow) -> Result<(), DbError> {
    transaction(conn, |conn| {
        let id = before.plan.id.to_string();
        // The plan's row is locked first: nobody starts a run from here on.
        let held = diesel::update(unchanged(before))
            .set(plans::revision.eq(Number::from(before.revision + 1)))
            .execute(conn)?;
        if held == 0 {
            return Err(lost(before.plan.id));
        }
        let runs = plan_runs::table.filter(plan_runs::plan_id.eq(id.clone()));
        let ids: Vec<String> = runs.clone().select(plan_runs::id).load(conn)?;
        // Piece by piece: databases limit the length of a list.
        for ids in ids.chunks(500) {
            let of_runs = plan_run_events::run_id.eq_any(ids.to_vec());
            diesel::delete(plan_run_events::table.filter(of_runs)).execute(conn)?;
        }
        diesel::delete(plan_runs::table.filter(plan_runs::plan_id.eq(id.clone()))).execute(conn)?;
        diesel::delete(plans::table.find(id)).execute(conn)?;
        Ok(())
    })
}

/// Compare and set: writes the whole row, if it is still as it was read.
pub(super) fn write(
    conn: &mut Connection,
    before: &PlanRow,
    mut after: PlanRow,
    now: DateTime<Utc>,
) -> Result<PlanRow, DbError> {
    after.revision = before.revision + 1;
    after.plan.updated_at = microseconds(now);
    let columns = Columns::from(after.clone());
    let changed = diesel::update(unchanged(before)).set(columns).execute(conn)?;
    if changed == 0 { Err(lost(before.plan.id)) } else { Ok(after) }
}

#[diesel::dsl::auto_type]
fn unchanged(before: &PlanRow) -> _ {
    let id: String = before.plan.id.to_string();
    let revision: Number = Number::from(before.revision);
    plans::table.find(id).filter(plans::revision.eq(revision))
}

pub(super) fn lost(id: PlanId) -> DbError {
    DbError::conflict(RESOURCE, id, "was changed by someone else")
}

pub(super) fn invalid(error: PlanError) -> DbError {
    DbError::invalid(error.field, error.message)
}

fn next_run(
    id: PlanId,
    settings: &PlanSettings,
    now: DateTime<Utc>,
) -> Result<Option<NextRun>, DbError> {
    let timetable = settings.timetable().map_err(invalid)?;
    Ok(timetable.and_then(|timetable| timetable.next_run(id, now)))
}

fn reschedule(row: &mut PlanRow, now: DateTime<Utc>) -> Result<(), DbError> {
    let next = match row.plan.status {
        PlanStatus::Paused => None,
        PlanStatus::Active | PlanStatus::Error => next_run(row.plan.id, &row.plan.settings, now)?,
    };
    row.plan.next_run_at = next.map(|next| next.start_at);
    row.scheduled_at = next.map(|next| next.scheduled_at);
    Ok(())
}
