use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{
    Consistency, ErrorKind, JobEvent, JobKind, JobState, PointEvent, PointId, RestoreEvent,
    RestoreId,
};
use serde_json::Value;

use super::{Claim, Job, RESOURCE, job_fence, job_get};
use crate::point::{point_fill, point_get_locked, point_remove, point_transition};
use crate::restore::{restore_done, restore_finish};
use crate::schema::jobs;
use crate::stored::{Name, Number, OptionalText, OptionalTime, Time};
use crate::{Connection, DbError, PointDisk, Scope, microseconds, transaction};

/// Why a job fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// What the user can act on.
    pub kind: ErrorKind,
    /// The same in words.
    pub message: String,
}

/// What a backup made. The point's own figures are the sums over its disks.
#[derive(Clone, Debug, PartialEq)]
pub struct PointFigures {
    /// The grade reached.
    pub consistency: Consistency,
    /// The point that it was based on.
    pub parent_id: Option<PointId>,
    /// Its disks.
    pub disks: Vec<PointDisk>,
}

/// How a job ends. All but `Unwound` belong to one kind of job and mean that all its steps are
/// done.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEnd {
    /// The point's record is durable in the repository.
    PointCreated(PointFigures),
    /// The point is gone from the repository, and now from the database.
    PointDeleted,
    /// All of the point was read and is sound: it becomes available, whatever was thought before.
    PointVerified,
    /// A sample of the point was read and is sound: the point stays what it was.
    PointSampled,
    /// The target holds every byte; with what was made, where the target does not say it all.
    Restored(Option<Value>),
    /// The job unwound and everything done was undone. It has failed if [`job_unwind`] was given
    /// an error, and was cancelled otherwise.
    Unwound,
}

/// Turns a job to undoing its steps, because of `error` or, without one, of a cancel. The first
/// cause stays, also over a takeover.
pub fn job_unwind(
    conn: &mut Connection,
    claim: &Claim,
    error: Option<&JobError>,
    now: DateTime<Utc>,
) -> Result<Job, DbError> {
    transaction(conn, |conn| {
        job_fence(conn, claim, now)?;
        let before = job_get(conn, &Scope::All, claim.job_id)?;
        let state = next(&before, JobEvent::Unwind)?;
        let error = match before.state {
            JobState::Unwinding => None,
            _ => error,
        };
        let job = Job {
            state,
            error_kind: error.map(|error| error.kind).or(before.error_kind),
            error_message: error
                .map(|error| error.message.clone())
                .or(before.error_message.clone()),
            ..before.clone()
        };
        write(conn, &before, job, now)
    })
}

/// Ends a job, and takes its restore point or restore along, in one transaction.
pub fn job_finish(
    conn: &mut Connection,
    claim: &Claim,
    end: &JobEnd,
    now: DateTime<Utc>,
) -> Result<Job, DbError> {
    let now = microseconds(now);
    transaction(conn, |conn| {
        job_fence(conn, claim, now)?;
        let before = job_get(conn, &Scope::All, claim.job_id)?;
        let event = match end {
            JobEnd::Unwound if before.error_kind.is_some() => JobEvent::UnwoundFailed,
            JobEnd::Unwound => JobEvent::UnwoundCancelled,
            _ => JobEvent::Succeeded,
        };
        let state = next(&before, event)?;
        let job = Job {
            state,
            lease_owner: None,
            lease_until: None,
            rate_bytes_per_second: None,
            eta_seconds: None,
            finished_at: Some(now),
            ..before.clone()
        };
        let job = write(conn, &before, job, now)?;
        match end {
            JobEnd::Unwound => {
                let message = job.error_message.as_deref().unwrap_or("cancelled");
                resource_unwound(conn, &job, message, now)?;
            }
            _ => resource_done(conn, &job, end, now)?,
        }
        Ok(job)
    })
}

fn resource_done(
    conn: &mut Connection,
    job: &Job,
    end: &JobEnd,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let point_id = PointId(job.resource_id);
    match (job.kind, end) {
        (JobKind::CreatePoint, JobEnd::PointCreated(figures)) => {
            let point = point_get_locked(conn, &Scope::All, point_id)?;
            point_fill(conn, &point, figures, now)?;
        }
        (JobKind::DeletePoint, JobEnd::PointDeleted) => {
            let point = point_get_locked(conn, &Scope::All, point_id)?;
            point_remove(conn, &point)?;
        }
        (JobKind::VerifyPoint, JobEnd::PointVerified) => {
            let point = point_get_locked(conn, &Scope::All, point_id)?;
            point_transition(conn, &point, PointEvent::Healed, None, now)?;
        }
        (JobKind::VerifyPoint, JobEnd::PointSampled) => {}
        (JobKind::Restore, JobEnd::Restored(result)) => {
            restore_done(conn, RestoreId(job.resource_id), result.as_ref(), now)?;
        }
        (kind, _) => {
            let message = format!("does not belong to a job of kind {}", kind.name());
            return Err(DbError::invalid("end", message));
        }
    }
    Ok(())
}

/// What happens to a job's resource when everything done was undone, or nothing was ever done.
pub(super) fn resource_unwound(
    conn: &mut Connection,
    job: &Job,
    message: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let event = match job.kind {
        JobKind::CreatePoint => PointEvent::Failed,
        JobKind::DeletePoint => PointEvent::DeleteFailed,
        // Damage found is how a verification fails; any other failure tells nothing of the point.
        JobKind::VerifyPoint if job.error_kind == Some(ErrorKind::Integrity) => PointEvent::Damaged,
        JobKind::VerifyPoint => return Ok(()),
        JobKind::Restore => {
            let id = RestoreId(job.resource_id);
            restore_finish(conn, id, RestoreEvent::Failed, Some(message), now)?;
            return Ok(());
        }
    };
    let point = point_get_locked(conn, &Scope::All, PointId(job.resource_id))?;
    point_transition(conn, &point, event, Some(message), now)?;
    Ok(())
}

fn next(job: &Job, event: JobEvent) -> Result<JobState, DbError> {
    job.state
        .next(event)
        .ok_or_else(|| DbError::conflict(RESOURCE, job.id, format!("is {}", job.state.name())))
}

/// Compare and set of what an unwind or an end changes.
fn write(
    conn: &mut Connection,
    before: &Job,
    after: Job,
    now: DateTime<Utc>,
) -> Result<Job, DbError> {
    let after = Job { updated_at: microseconds(now), ..after };
    let changed = diesel::update(
        jobs::table
            .find(before.id.to_string())
            .filter(jobs::state.eq(before.state.name()))
            .filter(jobs::generation.eq(Number::from(before.generation))),
    )
    .set((
        jobs::state.eq(after.state.name()),
        jobs::lease_owner.eq(after.lease_owner.clone()),
        jobs::lease_until.eq(OptionalTime::from(after.lease_until)),
        jobs::rate_bytes_per_second
            .eq(crate::stored::OptionalNumber::from(after.rate_bytes_per_second)),
        jobs::eta_seconds.eq(crate::stored::OptionalNumber::from(after.eta_seconds)),
        jobs::error_kind.eq(OptionalText::from(after.error_kind)),
        jobs::error_message.eq(after.error_message.clone()),
        jobs::updated_at.eq(Time::from(after.updated_at)),
        jobs::finished_at.eq(OptionalTime::from(after.finished_at)),
    ))
    .execute(conn)?;
    if changed == 0 {
        return Err(DbError::conflict(RESOURCE, before.id, "was changed by someone else"));
    }
    Ok(after)
}
