use chrono::{DateTime, Utc};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text as SqlText};
use firn_core::{BackupMode, InstanceId, JobId, PlanId, PointId, PointState, RepositoryId};

use super::{Point, point_get};
use crate::page::{created_between, keyset};
use crate::point_disk::{disks_lie_in_rows, disks_of_rows};
use crate::schema::restore_points;
use crate::stored::{Name, OptionalNumber, Time};
use crate::{Connection, DbError, Page, Scope};

/// What a list of restore points is narrowed to; `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointFilter {
    /// Of this instance.
    pub instance_id: Option<InstanceId>,
    /// In this repository.
    pub repository_id: Option<RepositoryId>,
    /// In this state.
    pub state: Option<PointState>,
    /// Asked for in this mode.
    pub mode: Option<BackupMode>,
    /// Called this.
    pub name: Option<String>,
    /// Of an instance of this name.
    pub instance_name: Option<String>,
    /// Filled by this job.
    pub job_id: Option<JobId>,
    /// Made by this plan.
    pub plan_id: Option<PlanId>,
    /// Asked for at this time or later.
    pub created_since: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub created_until: Option<DateTime<Utc>>,
}

/// What a list of restore points can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PointSort {
    /// When it was asked for.
    #[default]
    CreatedAt,
    /// When the row was last written.
    UpdatedAt,
    /// The instance's name.
    InstanceName,
    /// Its state, by name.
    State,
    /// What its owner calls it; those without a name come first, ascending.
    Name,
    /// The sum of the sizes of its disks; those not filled come first, ascending.
    VirtualBytes,
}

// Where null stands in an order is not the same everywhere.
diesel::define_sql_function! {
    #[sql_name = "COALESCE"]
    fn text_or(value: Nullable<SqlText>, instead: SqlText) -> SqlText;
}
diesel::define_sql_function! {
    #[sql_name = "COALESCE"]
    fn number_or(value: Nullable<BigInt>, instead: BigInt) -> BigInt;
}

/// A page of the restore points in scope.
pub fn point_list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &PointFilter,
    page: &Page<PointId, PointSort>,
) -> Result<Vec<Point>, DbError> {
    let mut points = Vec::new();
    point_each(conn, scope, filter, page, |point| points.push(point))?;
    Ok(points)
}

/// Gives the restore points of a page one by one, in order: they are not all in memory at once.
pub fn point_each(
    conn: &mut Connection,
    scope: &Scope,
    filter: &PointFilter,
    page: &Page<PointId, PointSort>,
    mut each: impl FnMut(Point),
) -> Result<(), DbError> {
    use restore_points as p;
    let marker = match page.marker {
        Some(id) => Some(
            point_get(conn, scope, id)
                .map_err(|error| error.unknown_marker(id))
                .map(|row| (row, id.to_string()))?,
        ),
        None => None,
    };
    let mut query = p::table.select(Point::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(p::project_id.eq(project.to_owned()));
    }
    if let Some(instance) = filter.instance_id {
        query = query.filter(p::instance_id.eq(instance.to_string()));
    }
    if let Some(repository) = filter.repository_id {
        query = query.filter(p::repository_id.eq(repository.to_string()));
    }
    if let Some(state) = filter.state {
        query = query.filter(p::state.eq(state.name()));
    }
    if let Some(mode) = filter.mode {
        query = query.filter(p::mode.eq(mode.name()));
    }
    if let Some(name) = &filter.name {
        query = query.filter(p::name.eq(name.clone()));
    }
    if let Some(name) = &filter.instance_name {
        query = query.filter(p::instance_name.eq(name.clone()));
    }
    if let Some(job) = filter.job_id {
        query = query.filter(p::job_id.eq(job.to_string()));
    }
    if let Some(plan) = filter.plan_id {
        query = query.filter(p::plan_id.eq(plan.to_string()));
    }
    let query = created_between!(query, p::created_at, filter);
    let query = match page.sort {
        PointSort::CreatedAt => keyset!(
            query,
            page.direction,
            p::created_at,
            p::id,
            marker.map(|(row, id)| (Time::from(row.created_at), id))
        ),
        PointSort::UpdatedAt => keyset!(
            query,
            page.direction,
            p::updated_at,
            p::id,
            marker.map(|(row, id)| (Time::from(row.updated_at), id))
        ),
        PointSort::InstanceName => keyset!(
            query,
            page.direction,
            p::instance_name,
            p::id,
            marker.map(|(row, id)| (row.instance_name, id))
        ),
        PointSort::State => keyset!(
            query,
            page.direction,
            p::state,
            p::id,
            marker.map(|(row, id)| (row.state.name(), id))
        ),
        PointSort::Name => keyset!(
            query,
            page.direction,
            text_or(p::name, ""),
            p::id,
            marker.map(|(row, id)| (row.name.unwrap_or_default(), id))
        ),
        PointSort::VirtualBytes => keyset!(
            query,
            page.direction,
            number_or(p::virtual_bytes, -1),
            p::id,
            marker.map(|(row, id)| (OptionalNumber::from(row.virtual_bytes).0.unwrap_or(-1), id))
        ),
    };
    let query = query.limit(page.limit.into());
    // From the first on that the version before filled, whose disks are asked for in the end.
    let mut held = Vec::new();
    for point in query.load_iter::<Point, DefaultLoadingMode>(conn)? {
        let point = point?;
        match held.is_empty() && !disks_lie_in_rows(&point) {
            true => each(point),
            false => held.push(point),
        }
    }
    disks_of_rows(conn, &mut held)?;
    held.into_iter().for_each(each);
    Ok(())
}

/// At most `limit` available points of an instance in a repository, newest first: what an
/// incremental may take as its base.
pub fn points_latest_available(
    conn: &mut Connection,
    instance: InstanceId,
    repository: RepositoryId,
    limit: u32,
) -> Result<Vec<Point>, DbError> {
    let filter = PointFilter {
        instance_id: Some(instance),
        repository_id: Some(repository),
        state: Some(PointState::Available),
        ..PointFilter::default()
    };
    point_list(conn, &Scope::All, &filter, &Page::first(limit))
}
