use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{InstanceId, JobId, PlanRunId};

use crate::schema::plan_run_events;
use crate::stored::{Name, OptionalText, Text, Time};
use crate::{Connection, DbError, EventLevel};

/// One message of a run to the plan's owner.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = plan_run_events)]
pub struct PlanRunEvent {
    /// Grows with time; also the marker of a list.
    pub id: i64,
    /// The run.
    #[diesel(deserialize_as = Text)]
    pub run_id: PlanRunId,
    /// When it happened.
    #[diesel(deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// How grave it is.
    #[diesel(deserialize_as = Text)]
    pub level: EventLevel,
    /// The instance it concerns.
    #[diesel(deserialize_as = OptionalText)]
    pub instance_id: Option<InstanceId>,
    /// The job it concerns.
    #[diesel(deserialize_as = OptionalText)]
    pub job_id: Option<JobId>,
    /// What happened.
    pub detail: String,
}

pub(super) fn add(
    conn: &mut Connection,
    run: PlanRunId,
    note: &super::RunNote,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    use plan_run_events as e;
    diesel::insert_into(e::table)
        .values((
            e::run_id.eq(run.to_string()),
            e::created_at.eq(Time::from(now)),
            e::level.eq(note.level.name()),
            e::instance_id.eq(OptionalText::from(note.instance_id)),
            e::job_id.eq(OptionalText::from(note.job_id)),
            e::detail.eq(note.detail.clone()),
        ))
        .execute(conn)?;
    Ok(())
}

/// At most `limit` events of a run, oldest first, after the event `after`.
pub fn plan_run_event_list(
    conn: &mut Connection,
    run: PlanRunId,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<PlanRunEvent>, DbError> {
    use plan_run_events as e;
    Ok(e::table
        .filter(e::run_id.eq(run.to_string()))
        .filter(e::id.gt(after.unwrap_or(i64::MIN)))
        .order(e::id.asc())
        .limit(limit.into())
        .select(PlanRunEvent::as_select())
        .load(conn)?)
}
