//! The journal of jobs' sagas. Every write is fenced: it counts only while the writer's claim is
//! the newest.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{JobId, StepState};
use serde_json::Value;

use crate::job::job_fence;
use crate::schema::job_steps;
use crate::stored::{Name, Number, OptionalText, OptionalTime, Text, Time};
use crate::{Claim, Connection, DbError, transaction};

const RESOURCE: &str = "step of job";

/// One step of a job's saga.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = job_steps)]
pub struct JobStep {
    /// The job.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub job_id: JobId,
    /// Its place in the saga, from 0.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub position: u32,
    /// What people see: `snapshot disks`.
    pub name: String,
    /// How far it came.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub state: StepState,
    /// What its do made, for later steps and for its undo.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub output: Option<Value>,
    /// When its do was last started.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub started_at: DateTime<Utc>,
    /// When its do, or its undo, was complete.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Journals that a step's do starts. Starting one again, after a takeover, is the same row anew;
/// its output stays until the new do is complete.
pub fn job_step_start(
    conn: &mut Connection,
    claim: &Claim,
    position: u32,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        job_fence(conn, claim, now)?;
        let changed = diesel::update(row(claim.job_id, position))
            .set((
                job_steps::name.eq(name.to_owned()),
                job_steps::state.eq(StepState::Started.name()),
                job_steps::started_at.eq(Time::from(now)),
                job_steps::finished_at.eq(OptionalTime::from(None)),
            ))
            .execute(conn)?;
        if changed == 0 {
            let step = JobStep {
                job_id: claim.job_id,
                position,
                name: name.to_owned(),
                state: StepState::Started,
                output: None,
                started_at: now,
                finished_at: None,
            };
            diesel::insert_into(job_steps::table).values(step).execute(conn)?;
        }
        Ok(())
    })
}

/// Journals that a step's do is complete, and what it made.
pub fn job_step_done(
    conn: &mut Connection,
    claim: &Claim,
    position: u32,
    output: Option<Value>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        job_fence(conn, claim, now)?;
        let changed = diesel::update(
            row(claim.job_id, position).filter(job_steps::state.eq(StepState::Started.name())),
        )
        .set((
            job_steps::state.eq(StepState::Done.name()),
            job_steps::output.eq(OptionalText::from(output.clone())),
            job_steps::finished_at.eq(OptionalTime::from(Some(now))),
        ))
        .execute(conn)?;
        changed_one(changed, claim, position)
    })
}

/// Journals that a step's undo is complete, whether its do was or not.
pub fn job_step_undone(
    conn: &mut Connection,
    claim: &Claim,
    position: u32,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        job_fence(conn, claim, now)?;
        let changed = diesel::update(row(claim.job_id, position))
            .set((
                job_steps::state.eq(StepState::Undone.name()),
                job_steps::finished_at.eq(OptionalTime::from(Some(now))),
            ))
            .execute(conn)?;
        changed_one(changed, claim, position)
    })
}

/// A job's steps, in order.
pub fn job_step_list(conn: &mut Connection, job: JobId) -> Result<Vec<JobStep>, DbError> {
    Ok(job_steps::table
        .filter(job_steps::job_id.eq(job.to_string()))
        .order(job_steps::position.asc())
        .select(JobStep::as_select())
        .load(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn row(job: JobId, position: u32) -> _ {
    let id: String = job.to_string();
    let position: i64 = position as i64;
    job_steps::table.filter(job_steps::job_id.eq(id)).filter(job_steps::position.eq(position))
}

fn changed_one(changed: usize, claim: &Claim, position: u32) -> Result<(), DbError> {
    if changed == 0 {
        let id = format!("{} at {position}", claim.job_id);
        return Err(DbError::conflict(RESOURCE, id, "was not started"));
    }
    Ok(())
}
