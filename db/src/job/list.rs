use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{InstanceId, JobId, JobKind, JobState, PointId, RepositoryId};
use uuid::Uuid;

use super::{Job, job_get, unfinished_names};
use crate::page::{created_between, keyset};
use crate::schema::{jobs, restores};
use crate::stored::{Name, Time};
use crate::{Connection, DbError, Page, Scope};

/// What a list of jobs is narrowed to; `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// In this state.
    pub state: Option<JobState>,
    /// Ended (`true`) or not (`false`).
    pub finished: Option<bool>,
    /// Working on this restore point or restore.
    pub resource_id: Option<Uuid>,
    /// Using this repository.
    pub repository_id: Option<RepositoryId>,
    /// Concerning this instance.
    pub instance_id: Option<InstanceId>,
    /// Asked for by the request of this id.
    pub request_id: Option<String>,
    /// Asked for at this time or later.
    pub created_since: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub created_until: Option<DateTime<Utc>>,
}

/// What a list of jobs can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobSort {
    /// When it was asked for.
    #[default]
    CreatedAt,
    /// When the row was last written.
    UpdatedAt,
    /// Its kind, by name.
    Kind,
    /// Its state, by name.
    State,
}

/// A page of the jobs in scope.
pub fn job_list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &JobFilter,
    page: &Page<JobId, JobSort>,
) -> Result<Vec<Job>, DbError> {
    let marker = match page.marker {
        Some(id) => Some(
            job_get(conn, scope, id)
                .map_err(|error| error.unknown_marker(id))
                .map(|row| (row, id.to_string()))?,
        ),
        None => None,
    };
    let mut query = jobs::table.select(Job::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(jobs::project_id.eq(project.to_owned()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(jobs::kind.eq(kind.name()));
    }
    if let Some(state) = filter.state {
        query = query.filter(jobs::state.eq(state.name()));
    }
    match filter.finished {
        Some(true) => query = query.filter(jobs::state.ne_all(unfinished_names())),
        Some(false) => query = query.filter(jobs::state.eq_any(unfinished_names())),
        None => {}
    }
    if let Some(resource) = filter.resource_id {
        query = query.filter(jobs::resource_id.eq(resource.to_string()));
    }
    if let Some(repository) = filter.repository_id {
        query = query.filter(jobs::repository_id.eq(repository.to_string()));
    }
    if let Some(instance) = filter.instance_id {
        query = query.filter(jobs::instance_id.eq(instance.to_string()));
    }
    if let Some(request) = &filter.request_id {
        query = query.filter(jobs::request_id.eq(request.clone()));
    }
    let query = created_between!(query, jobs::created_at, filter);
    let query = match page.sort {
        JobSort::CreatedAt => keyset!(
            query,
            page.direction,
            jobs::created_at,
            jobs::id,
            marker.map(|(row, id)| (Time::from(row.created_at), id))
        ),
        JobSort::UpdatedAt => keyset!(
            query,
            page.direction,
            jobs::updated_at,
            jobs::id,
            marker.map(|(row, id)| (Time::from(row.updated_at), id))
        ),
        JobSort::Kind => keyset!(
            query,
            page.direction,
            jobs::kind,
            jobs::id,
            marker.map(|(row, id)| (row.kind.name(), id))
        ),
        JobSort::State => keyset!(
            query,
            page.direction,
            jobs::state,
            jobs::id,
            marker.map(|(row, id)| (row.state.name(), id))
        ),
    };
    Ok(query.limit(page.limit.into()).load(conn)?)
}

/// The jobs that can be claimed at `now`, oldest first: queued, or left by a holder whose lease
/// has run out.
pub fn jobs_claimable(
    conn: &mut Connection,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Job>, DbError> {
    Ok(jobs::table
        .filter(jobs::state.eq_any(unfinished_names()))
        .filter(jobs::lease_until.is_null().or(jobs::lease_until.le(Time::from(now).0)))
        .order((jobs::created_at.asc(), jobs::id.asc()))
        .limit(limit.into())
        .select(Job::as_select())
        .load(conn)?)
}

/// The unfinished jobs that work on a restore point or restore from it, oldest first.
pub fn jobs_unfinished_for_point(
    conn: &mut Connection,
    point: PointId,
) -> Result<Vec<Job>, DbError> {
    let point = point.to_string();
    let restores =
        restores::table.filter(restores::point_id.eq(point.clone())).select(restores::id);
    Ok(jobs::table
        .filter(jobs::state.eq_any(unfinished_names()))
        .filter(jobs::resource_id.eq(point).or(jobs::resource_id.eq_any(restores)))
        .order((jobs::created_at.asc(), jobs::id.asc()))
        .select(Job::as_select())
        .load(conn)?)
}

/// The unfinished jobs that work on an instance or on its points, oldest first.
pub fn jobs_unfinished_of_instance(
    conn: &mut Connection,
    instance: InstanceId,
) -> Result<Vec<Job>, DbError> {
    Ok(jobs::table
        .filter(jobs::state.eq_any(unfinished_names()))
        .filter(jobs::instance_id.eq(instance.to_string()))
        .order((jobs::created_at.asc(), jobs::id.asc()))
        .select(Job::as_select())
        .load(conn)?)
}
