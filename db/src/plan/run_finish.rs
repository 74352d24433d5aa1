use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::JobState;
use firn_core::plan::{RunState, RunTally};

use super::{PlanRun, RunNote, run_event};
use crate::lease::{Lease, lease_fence};
use crate::schema::{jobs, plan_runs, plans, restore_points};
use crate::stored::{Name, OptionalTime, Stored, Time};
use crate::{
    Connection, DbError, EventLevel, PointRequest, Scope, microseconds, point_delete_request,
    transaction,
};

/// How a run's instances fare now.
pub fn plan_run_tally(conn: &mut Connection, run: &PlanRun) -> Result<RunTally, DbError> {
    let states: Vec<String> = restore_points::table
        .inner_join(jobs::table.on(jobs::id.eq(restore_points::job_id)))
        .filter(restore_points::plan_run_id.eq(run.id.to_string()))
        .select(jobs::state)
        .load(conn)?;
    let mut tally = RunTally { refused: run.refused, ..RunTally::default() };
    for state in states {
        let state: JobState = Stored(state).try_into().map_err(|source| DbError::Query {
            source: diesel::result::Error::DeserializationError(Box::new(source)),
        })?;
        match state {
            JobState::Succeeded => tally.succeeded += 1,
            JobState::Failed | JobState::Cancelled => tally.failed += 1,
            _ => tally.unfinished += 1,
        }
    }
    Ok(tally)
}

/// How a run ends.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// The run, as it was read.
    pub run: PlanRun,
    /// Its last state.
    pub state: RunState,
    /// For people.
    pub message: Option<String>,
    /// What the plan keeps no longer.
    pub remove: Vec<PointRequest>,
}

/// Ends a run and asks for what retention no longer keeps, in one transaction. A point that is in
/// use is left for the next run. Returns how many are being deleted; `None`: the run has ended
/// already, or went with its plan. A lease that is not held any more is a `Conflict`.
pub fn plan_run_finish(
    conn: &mut Connection,
    lease: &Lease,
    end: &RunEnd,
    now: DateTime<Utc>,
) -> Result<Option<u32>, DbError> {
    let now = microseconds(now);
    let run = &end.run;
    transaction(conn, |conn| {
        lease_fence(conn, lease, now)?;
        let changed = diesel::update(
            plan_runs::table.find(run.id.to_string()).filter(plan_runs::state.eq(run.state.name())),
        )
        .set((
            plan_runs::state.eq(end.state.name()),
            plan_runs::message.eq(end.message.clone()),
            plan_runs::finished_at.eq(OptionalTime::from(Some(now))),
        ))
        .execute(conn)?;
        if changed == 0 {
            return Ok(None);
        }
        // Only where no later run has started since.
        diesel::update(
            plans::table
                .find(run.plan_id.to_string())
                .filter(plans::last_run_at.eq(OptionalTime::from(run.started_at).0)),
        )
        .set((
            plans::last_run_status.eq(Some(end.state.name())),
            plans::revision.eq(plans::revision + 1),
            plans::updated_at.eq(Time::from(now)),
        ))
        .execute(conn)?;
        let mut removed = 0;
        for request in &end.remove {
            let note = match point_delete_request(conn, &Scope::All, request.clone(), now) {
                Ok(_) => {
                    removed += 1;
                    continue;
                }
                Err(DbError::NotFound { .. }) => continue,
                Err(error @ DbError::Conflict { .. }) => RunNote {
                    level: EventLevel::Info,
                    instance_id: None,
                    job_id: None,
                    detail: format!("kept until the next run: {error}"),
                },
                Err(error) => return Err(error),
            };
            run_event::add(conn, run.id, &note, now)?;
        }
        Ok(Some(removed))
    })
}
