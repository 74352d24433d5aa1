use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{JobId, PointId, ProjectId, RestoreEvent, RestoreId, RestoreState, RestoreTarget};
use serde_json::Value;

use crate::page::{created_between, keyset};
use crate::schema::restores;
use crate::stored::{Name, OptionalText, OptionalTime, Text, Time};
use crate::{Connection, DbError, Page, Scope, microseconds, transaction};

const RESOURCE: &str = "restore";

/// A request to write a restore point's disks somewhere.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = restores)]
pub struct Restore {
    /// Its id.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: RestoreId,
    /// Whose it is: [`crate::RestoreRequest::project_id`].
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub project_id: ProjectId,
    /// What is restored. The point may have been deleted since.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub point_id: PointId,
    /// The job that does it.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub job_id: JobId,
    /// Where to.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub target: RestoreTarget,
    /// Its state.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub state: RestoreState,
    /// Why it is in error.
    pub error_message: Option<String>,
    /// When it was asked for.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// When the row was last written.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub updated_at: DateTime<Utc>,
    /// When it ended, well or not.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub finished_at: Option<DateTime<Utc>>,
    /// What it made, or would make; none before its end, and where the target says it all.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub result: Option<Value>,
}

/// What a new restore is made from.
#[derive(Clone, Debug)]
pub struct NewRestore {
    /// Its id, chosen by the caller.
    pub id: RestoreId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// What to restore.
    pub point_id: PointId,
    /// The job that does it.
    pub job_id: JobId,
    /// Where to.
    pub target: RestoreTarget,
}

/// What a list of restores is narrowed to; `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreFilter {
    /// Of this point.
    pub point_id: Option<PointId>,
    /// In this state.
    pub state: Option<RestoreState>,
    /// Done by this job.
    pub job_id: Option<JobId>,
    /// Asked for at this time or later.
    pub created_since: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub created_until: Option<DateTime<Utc>>,
}

/// What a list of restores can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestoreSort {
    /// When it was asked for.
    #[default]
    CreatedAt,
    /// When the row was last written.
    UpdatedAt,
    /// Its state, by name.
    State,
}

/// Makes a restore, in state `Restoring`. Normally called by [`crate::restore_request_create`],
/// which makes its job too.
pub fn restore_create(
    conn: &mut Connection,
    new: NewRestore,
    now: DateTime<Utc>,
) -> Result<Restore, DbError> {
    let now = microseconds(now);
    let restore = Restore {
        id: new.id,
        project_id: new.project_id,
        point_id: new.point_id,
        job_id: new.job_id,
        target: new.target,
        state: RestoreState::Restoring,
        error_message: None,
        created_at: now,
        updated_at: now,
        finished_at: None,
        result: None,
    };
    diesel::insert_into(restores::table).values(restore.clone()).execute(conn)?;
    Ok(restore)
}

/// One restore, if it is in scope.
pub fn restore_get(
    conn: &mut Connection,
    scope: &Scope,
    id: RestoreId,
) -> Result<Restore, DbError> {
    let mut query = restores::table.find(id.to_string()).select(Restore::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(restores::project_id.eq(project.to_owned()));
    }
    query.first(conn).optional()?.ok_or_else(|| DbError::not_found(RESOURCE, id))
}

/// A page of the restores in scope.
pub fn restore_list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &RestoreFilter,
    page: &Page<RestoreId, RestoreSort>,
) -> Result<Vec<Restore>, DbError> {
    let marker = match page.marker {
        Some(id) => Some(
            restore_get(conn, scope, id)
                .map_err(|error| error.unknown_marker(id))
                .map(|row| (row, id.to_string()))?,
        ),
        None => None,
    };
    let mut query = restores::table.select(Restore::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(restores::project_id.eq(project.to_owned()));
    }
    if let Some(point) = filter.point_id {
        query = query.filter(restores::point_id.eq(point.to_string()));
    }
    if let Some(state) = filter.state {
        query = query.filter(restores::state.eq(state.name()));
    }
    if let Some(job) = filter.job_id {
        query = query.filter(restores::job_id.eq(job.to_string()));
    }
    let query = created_between!(query, restores::created_at, filter);
    let query = match page.sort {
        RestoreSort::CreatedAt => keyset!(
            query,
            page.direction,
            restores::created_at,
            restores::id,
            marker.map(|(row, id)| (Time::from(row.created_at), id))
        ),
        RestoreSort::UpdatedAt => keyset!(
            query,
            page.direction,
            restores::updated_at,
            restores::id,
            marker.map(|(row, id)| (Time::from(row.updated_at), id))
        ),
        RestoreSort::State => keyset!(
            query,
            page.direction,
            restores::state,
            restores::id,
            marker.map(|(row, id)| (row.state.name(), id))
        ),
    };
    Ok(query.limit(page.limit.into()).load(conn)?)
}

/// Whether a restore writes, or has written, to exactly this target. One that failed left nothing
/// of it.
pub fn restore_target_taken(
    conn: &mut Connection,
    target: &RestoreTarget,
) -> Result<bool, DbError> {
    let found: Option<String> = restores::table
        .filter(restores::target.eq(Text::from(target.clone())))
        .filter(restores::state.ne(RestoreState::Error.name()))
        .select(restores::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Ends a restore, well or with a message. Normally called by [`crate::job_finish`].
pub fn restore_finish(
    conn: &mut Connection,
    id: RestoreId,
    event: RestoreEvent,
    error_message: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Restore, DbError> {
    let outcome = Outcome { event, error_message, result: None };
    transaction(conn, |conn| finish(conn, id, &outcome, now))
}

/// Ends a restore well, with what it made.
pub(crate) fn restore_done(
    conn: &mut Connection,
    id: RestoreId,
    result: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<Restore, DbError> {
    let outcome = Outcome { event: RestoreEvent::Finished, error_message: None, result };
    finish(conn, id, &outcome, now)
}

struct Outcome<'a> {
    event: RestoreEvent,
    error_message: Option<&'a str>,
    result: Option<&'a Value>,
}

fn finish(
    conn: &mut Connection,
    id: RestoreId,
    outcome: &Outcome<'_>,
    now: DateTime<Utc>,
) -> Result<Restore, DbError> {
    let before = restore_get(conn, &Scope::All, id)?;
    let state = before.state.next(outcome.event).ok_or_else(|| {
        DbError::conflict(RESOURCE, id, format!("has already ended: {}", before.state.name()))
    })?;
    let now = microseconds(now);
    let changed = diesel::update(
        restores::table.find(id.to_string()).filter(restores::state.eq(before.state.name())),
    )
    .set((
        restores::state.eq(state.name()),
        restores::error_message.eq(outcome.error_message.map(str::to_owned)),
        restores::result.eq(OptionalText::from(outcome.result.cloned())),
        restores::updated_at.eq(Time::from(now)),
        restores::finished_at.eq(OptionalTime::from(Some(now))),
    ))
    .execute(conn)?;
    if changed == 0 {
        return Err(DbError::conflict(RESOURCE, id, "was changed by someone else"));
    }
    Ok(Restore {
        state,
        error_message: outcome.error_message.map(str::to_owned),
        result: outcome.result.cloned(),
        updated_at: now,
        finished_at: Some(now),
        ..before
    })
}
