use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{JobEvent, JobId, JobState};

use super::finish::resource_unwound;
use super::{Job, RESOURCE, job_get_locked};
use crate::schema::jobs;
use crate::stored::{Name, Number, OptionalTime, Time};
use crate::{Connection, DbError, Scope, microseconds, transaction};

/// Asks to cancel a job. A queued one is cancelled at once, together with its resource; the
/// holder of a running one learns of it by its next heartbeat. Asking again is fine; a job that
/// unwinds or has ended is a `Conflict`.
pub fn job_request_cancel(
    conn: &mut Connection,
    scope: &Scope,
    id: JobId,
    now: DateTime<Utc>,
) -> Result<Job, DbError> {
    let now = microseconds(now);
    transaction(conn, |conn| {
        let before = job_get_locked(conn, scope, id)?;
        let Some(state) = before.state.next(JobEvent::CancelRequested) else {
            let reason = format!("cannot be cancelled: it is {}", before.state.name());
            return Err(DbError::conflict(RESOURCE, id, reason));
        };
        let finished_at = (state == JobState::Cancelled).then_some(now);
        let changed = diesel::update(
            jobs::table
                .find(id.to_string())
                .filter(jobs::state.eq(before.state.name()))
                .filter(jobs::generation.eq(Number::from(before.generation))),
        )
        .set((
            jobs::state.eq(state.name()),
            jobs::updated_at.eq(Time::from(now)),
            jobs::finished_at.eq(OptionalTime::from(finished_at)),
        ))
        .execute(conn)?;
        if changed == 0 {
            return Err(DbError::conflict(RESOURCE, id, "was changed by someone else; try again"));
        }
        let job = Job { state, updated_at: now, finished_at, ..before };
        if state == JobState::Cancelled {
            resource_unwound(conn, &job, "cancelled before it started", now)?;
        }
        Ok(job)
    })
}
