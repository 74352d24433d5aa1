use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::plan::PlanStatus;
use firn_core::{PlanId, RepositoryId};

use super::row::{Columns, PlanRow, plan_get};
use crate::page::keyset;
use crate::schema::plans;
use crate::stored::{Name, Time};
use crate::{Connection, DbError, Page, Scope};

/// What a list of plans is narrowed to; `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Called this.
    pub name: Option<String>,
    /// In this state.
    pub status: Option<PlanStatus>,
    /// Into this repository.
    pub repository_id: Option<RepositoryId>,
}

/// What a list of plans can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanSort {
    /// When it was made.
    #[default]
    CreatedAt,
    /// When it was last written.
    UpdatedAt,
    /// Its name.
    Name,
    /// Its state, by name.
    Status,
}

/// A page of the plans in scope.
pub fn plan_list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &PlanFilter,
    page: &Page<PlanId, PlanSort>,
) -> Result<Vec<PlanRow>, DbError> {
    use plans as p;
    let marker = match page.marker {
        Some(id) => Some(
            plan_get(conn, scope, id)
                .map_err(|error| error.unknown_marker(id))
                .map(|row| (row.plan, id.to_string()))?,
        ),
        None => None,
    };
    let mut query = p::table.select(Columns::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(p::project_id.eq(project.to_owned()));
    }
    if let Some(name) = &filter.name {
        query = query.filter(p::name.eq(name.clone()));
    }
    if let Some(status) = filter.status {
        query = query.filter(p::status.eq(status.name()));
    }
    if let Some(repository) = filter.repository_id {
        query = query.filter(p::repository_id.eq(repository.to_string()));
    }
    let query = match page.sort {
        PlanSort::CreatedAt => keyset!(
            query,
            page.direction,
            p::created_at,
            p::id,
            marker.map(|(plan, id)| (Time::from(plan.created_at), id))
        ),
        PlanSort::UpdatedAt => keyset!(
            query,
            page.direction,
            p::updated_at,
            p::id,
            marker.map(|(plan, id)| (Time::from(plan.updated_at), id))
        ),
        PlanSort::Name => keyset!(
            query,
            page.direction,
            p::name,
            p::id,
            marker.map(|(plan, id)| (plan.settings.name, id))
        ),
        PlanSort::Status => keyset!(
            query,
            page.direction,
            p::status,
            p::id,
            marker.map(|(plan, id)| (plan.status.name(), id))
        ),
    };
    let rows: Vec<Columns> = query.limit(page.limit.into()).load(conn)?;
    Ok(rows.into_iter().map(PlanRow::from).collect())
}

/// At most `limit` plans whose next run should have started by `now`, the longest waiting first.
pub fn plan_due(
    conn: &mut Connection,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<PlanRow>, DbError> {
    use plans as p;
    let rows: Vec<Columns> = p::table
        .filter(p::status.ne(PlanStatus::Paused.name()))
        .filter(p::next_run_at.le(Time::from(now).0))
        .order((p::next_run_at.asc(), p::id.asc()))
        .limit(limit.into())
        .select(Columns::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(PlanRow::from).collect())
}
