//! Removing what nobody asks for any more.

use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::RestoreState;
use firn_core::plan::RunState;

use crate::job::unfinished_names;
use crate::schema::{
    job_events, job_places, job_steps, jobs, plan_run_events, plan_runs, restores,
};
use crate::stored::{Name, Time};
use crate::{Connection, DbError, transaction};

/// How many rows were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Jobs that had ended.
    pub jobs: u64,
    /// Their journals' entries.
    pub job_steps: u64,
    /// Their messages.
    pub job_events: u64,
    /// Restores that had ended. One that succeeded to files stays: its name is taken.
    pub restores: u64,
    /// Plans' runs that had ended.
    pub plan_runs: u64,
    /// Their messages.
    pub plan_run_events: u64,
}

impl AddAssign for Purged {
    fn add_assign(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.job_steps += other.job_steps;
        self.job_events += other.job_events;
        self.restores += other.restores;
        self.plan_runs += other.plan_runs;
        self.plan_run_events += other.plan_run_events;
    }
}

/// Removes at most `batch` each of the jobs, restores and plans' runs that ended before a
/// time, with what belongs to them, in one transaction. To be called until it removes nothing: small
/// transactions hold nobody up.
///
/// A deleted restore point has no row to purge; one in error stays until its owner deletes it.
pub fn purge_batch(
    conn: &mut Connection,
    before: DateTime<Utc>,
    batch: u32,
) -> Result<Purged, DbError> {
    let before = Time::from(before).0;
    transaction(conn, |conn| {
        // What ended before was made before: that is what the index knows.
        let ids: Vec<String> = jobs::table
            .filter(jobs::state.ne_all(unfinished_names()))
            .filter(jobs::created_at.lt(before))
            .filter(jobs::finished_at.lt(before))
            .select(jobs::id)
            .limit(batch.into())
            .load(conn)?;
        let steps = job_steps::table.filter(job_steps::job_id.eq_any(ids.clone()));
        let events = job_events::table.filter(job_events::job_id.eq_any(ids.clone()));
        let places = job_places::table.filter(job_places::job_id.eq_any(ids.clone()));
        diesel::delete(places).execute(conn)?;
        let mut purged = Purged {
            job_steps: count(diesel::delete(steps).execute(conn)?),
            job_events: count(diesel::delete(events).execute(conn)?),
            ..Purged::default()
        };
        purged.jobs =
            count(diesel::delete(jobs::table.filter(jobs::id.eq_any(ids))).execute(conn)?);

        let ids: Vec<String> = restores::table
            .filter(
                restores::state
                    .eq(RestoreState::Error.name())
                    .or(restores::target.not_like(r#"%"type":"file"%"#)),
            )
            .filter(restores::finished_at.lt(before))
            .select(restores::id)
            .limit(batch.into())
            .load(conn)?;
        let ended = restores::table.filter(restores::id.eq_any(ids));
        purged.restores = count(diesel::delete(ended).execute(conn)?);

        let open = [RunState::Requested.name(), RunState::Running.name()];
        let ids: Vec<String> = plan_runs::table
            .filter(plan_runs::state.ne_all(open))
            .filter(plan_runs::finished_at.lt(before))
            .select(plan_runs::id)
            .limit(batch.into())
            .load(conn)?;
        let events = plan_run_events::table.filter(plan_run_events::run_id.eq_any(ids.clone()));
        purged.plan_run_events = count(diesel::delete(events).execute(conn)?);
        let runs = plan_runs::table.filter(plan_runs::id.eq_any(ids));
        purged.plan_runs = count(diesel::delete(runs).execute(conn)?);
        Ok(purged)
    })
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
