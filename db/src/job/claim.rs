use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use firn_core::{JobEvent, JobId, JobState};

use super::{Job, RESOURCE, job_get, jobs_claimable, unfinished_names};
use crate::schema::jobs;
use crate::stored::{Name, Number, OptionalNumber, OptionalTime, Time};
use crate::{Connection, DbError, Scope, microseconds, transaction};

/// The right to write to a job, until someone else claims it: its id and fencing token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The job.
    pub job_id: JobId,
    /// Its generation when it was claimed.
    pub generation: u64,
}

/// A job and the right to write to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The job, as it is after the claim.
    pub job: Job,
    /// The right.
    pub claim: Claim,
}

/// How far a job's data move has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes to do.
    pub total_bytes: u64,
    /// How fast it goes.
    pub rate_bytes_per_second: Option<u64>,
    /// How long it will still take.
    pub eta_seconds: Option<u64>,
}

/// What a heartbeat learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The claim is still the newest. Otherwise stop at once and touch nothing: the job belongs
    /// to someone else, or has ended.
    pub still_mine: bool,
    /// Somebody asked to cancel.
    pub cancel_requested: bool,
}

/// Claims a job that is queued or whose lease has run out. `None`: it has ended, is held, or
/// someone else was first.
pub fn job_claim(
    conn: &mut Connection,
    id: JobId,
    owner: &str,
    lease: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Claimed>, DbError> {
    let now = microseconds(now);
    transaction(conn, |conn| {
        let before = job_get(conn, &Scope::All, id)?;
        let free = before.lease_until.is_none_or(|until| until <= now);
        let Some(state) = before.state.next(JobEvent::Claimed).filter(|_| free) else {
            return Ok(None);
        };
        let job = Job {
            state,
            attempts: before.attempts.saturating_add(1),
            generation: before.generation + 1,
            lease_owner: Some(owner.to_owned()),
            lease_until: Some(now + lease),
            started_at: before.started_at.or(Some(now)),
            updated_at: now,
            ..before.clone()
        };
        let changed = diesel::update(
            jobs::table
                .find(id.to_string())
                .filter(jobs::state.eq(before.state.name()))
                .filter(jobs::generation.eq(Number::from(before.generation)))
                // Its holder may have spoken since it was read.
                .filter(jobs::lease_until.is_null().or(jobs::lease_until.le(Time::from(now).0))),
        )
        .set((
            jobs::state.eq(job.state.name()),
            jobs::attempts.eq(Number::from(job.attempts)),
            jobs::generation.eq(Number::from(job.generation)),
            jobs::lease_owner.eq(job.lease_owner.clone()),
            jobs::lease_until.eq(OptionalTime::from(job.lease_until)),
            jobs::started_at.eq(OptionalTime::from(job.started_at)),
            jobs::updated_at.eq(Time::from(now)),
        ))
        .execute(conn)?;
        let claim = Claim { job_id: id, generation: job.generation };
        Ok((changed == 1).then_some(Claimed { job, claim }))
    })
}

/// Claims the oldest job that can be claimed.
pub fn job_claim_next(
    conn: &mut Connection,
    owner: &str,
    lease: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Claimed>, DbError> {
    const CANDIDATES: u32 = 16;
    for job in jobs_claimable(conn, now, CANDIDATES)? {
        if let Some(claimed) = job_claim(conn, job.id, owner, lease, now)? {
            return Ok(Some(claimed));
        }
    }
    Ok(None)
}

/// Says that the holder of `claim` lives, extends its lease, and keeps its progress if given.
/// A lease that ran out is renewed as long as nobody else claimed the job.
pub fn job_heartbeat(
    conn: &mut Connection,
    claim: &Claim,
    progress: Option<JobProgress>,
    lease_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Heartbeat, DbError> {
    transaction(conn, |conn| {
        let job = match job_get(conn, &Scope::All, claim.job_id) {
            Err(DbError::NotFound { .. }) => {
                return Ok(Heartbeat { still_mine: false, cancel_requested: false });
            }
            found => found?,
        };
        let progress = progress.unwrap_or(JobProgress {
            done_bytes: job.done_bytes,
            total_bytes: job.total_bytes,
            rate_bytes_per_second: job.rate_bytes_per_second,
            eta_seconds: job.eta_seconds,
        });
        let changed = diesel::update(
            jobs::table
                .find(claim.job_id.to_string())
                .filter(jobs::generation.eq(Number::from(claim.generation)))
                .filter(jobs::lease_owner.is_not_null())
                .filter(jobs::state.eq_any(unfinished_names())),
        )
        .set((
            jobs::lease_until.eq(OptionalTime::from(Some(lease_until))),
            jobs::done_bytes.eq(Number::from(progress.done_bytes)),
            jobs::total_bytes.eq(Number::from(progress.total_bytes)),
            jobs::rate_bytes_per_second.eq(OptionalNumber::from(progress.rate_bytes_per_second)),
            jobs::eta_seconds.eq(OptionalNumber::from(progress.eta_seconds)),
            jobs::updated_at.eq(Time::from(now)),
        ))
        .execute(conn)?;
        let still_mine = changed == 1;
        let cancel_requested = still_mine && job.state == JobState::Cancelling;
        Ok(Heartbeat { still_mine, cancel_requested })
    })
}

/// Gives a job back unfinished, to be claimed by anyone from `claimable_at` on: on shutdown, or
/// to try again later.
pub fn job_release(
    conn: &mut Connection,
    claim: &Claim,
    claimable_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        job_fence(conn, claim, now)?;
        diesel::update(jobs::table.find(claim.job_id.to_string()))
            .set((
                jobs::lease_owner.eq(None::<String>),
                jobs::lease_until.eq(OptionalTime::from(Some(claimable_at))),
                jobs::rate_bytes_per_second.eq(None::<i64>),
                jobs::eta_seconds.eq(None::<i64>),
            ))
            .execute(conn)?;
        Ok(())
    })
}

/// Ends the leases of an owner that is known to be dead, so that its jobs need not wait for
/// them to run out. Should it live after all, its claims stop being valid when the jobs are
/// claimed anew. Returns how many.
pub fn job_lease_expire(
    conn: &mut Connection,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    transaction(conn, |conn| {
        Ok(diesel::update(
            jobs::table
                .filter(jobs::lease_owner.eq(owner.to_owned()))
                .filter(jobs::state.eq_any(unfinished_names())),
        )
        .set((
            jobs::lease_owner.eq(None::<String>),
            jobs::lease_until.eq(None::<chrono::NaiveDateTime>),
            jobs::updated_at.eq(Time::from(now)),
        ))
        .execute(conn)?)
    })
}

/// Fails with a `Conflict` unless `claim` is the newest of an unfinished job. It writes, and so
/// locks the row until the end of the transaction: nobody can claim the job in between.
pub(crate) fn job_fence(
    conn: &mut Connection,
    claim: &Claim,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let changed = diesel::update(
        jobs::table
            .find(claim.job_id.to_string())
            .filter(jobs::generation.eq(Number::from(claim.generation)))
            .filter(jobs::lease_owner.is_not_null())
            .filter(jobs::state.eq_any(unfinished_names())),
    )
    .set(jobs::updated_at.eq(Time::from(now)))
    .execute(conn)?;
    if changed == 0 {
        return Err(DbError::conflict(
            RESOURCE,
            claim.job_id,
            format!("is not held under generation {} any more", claim.generation),
        ));
    }
    Ok(())
}
