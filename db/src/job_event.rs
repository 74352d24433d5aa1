//! What jobs tell their users.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::JobId;

use crate::schema::job_events;
use crate::stored::{Name, Text, Time};
use crate::{Connection, DbError, transaction};

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventLevel {
    /// Good to know.
    Info,
    /// Less than was asked for was reached.
    Warning,
    /// Something failed.
    Error,
}

/// One message of a job to its user.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = job_events)]
pub struct JobEventRow {
    /// Grows with time; also the marker of a list.
    pub id: i64,
    /// The job.
    #[diesel(deserialize_as = Text)]
    pub job_id: JobId,
    /// When it happened.
    #[diesel(deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// How grave it is.
    #[diesel(deserialize_as = Text)]
    pub level: EventLevel,
    /// What was being done, from a closed list of the conductor: `disk_read`.
    pub action: String,
    /// What happened, for the user.
    pub detail: String,
}

/// Adds an event to a job. An unknown job is a `Conflict`.
pub fn job_event_add(
    conn: &mut Connection,
    job: JobId,
    level: EventLevel,
    action: &str,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        diesel::insert_into(job_events::table)
            .values((
                job_events::job_id.eq(job.to_string()),
                job_events::created_at.eq(Time::from(now)),
                job_events::level.eq(level.name()),
                job_events::action.eq(action.to_owned()),
                job_events::detail.eq(detail.to_owned()),
            ))
            .execute(conn)?;
        Ok(())
    })
}

/// At most `limit` events of a job, oldest first, after the event `after`.
pub fn job_event_list(
    conn: &mut Connection,
    job: JobId,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<JobEventRow>, DbError> {
    Ok(job_events::table
        .filter(job_events::job_id.eq(job.to_string()))
        .filter(job_events::id.gt(after.unwrap_or(i64::MIN)))
        .order(job_events::id.asc())
        .limit(limit.into())
        .select(JobEventRow::as_select())
        .load(conn)?)
}
