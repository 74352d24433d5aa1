use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{PointEvent, PointId, PointState};

use super::{NewPoint, Point, RESOURCE, point_get};
use crate::point_disk::disk_rows_replace;
use crate::schema::restore_points;
use crate::stored::{Name, Number, OptionalNumber, OptionalText, OptionalTime, Time};
use crate::{Connection, DbError, PointDisks, PointFigures, Scope, microseconds, transaction};

/// What an owner may change; `None` leaves it as it is, `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointUpdate {
    /// What the owner calls it.
    pub name: Option<Option<String>>,
    /// The owner's note.
    pub description: Option<Option<String>>,
}

/// Makes a restore point, in state `Creating`. Normally called by
/// [`crate::backup_request_create`], which makes its job too.
pub fn point_create(
    conn: &mut Connection,
    new: NewPoint,
    now: DateTime<Utc>,
) -> Result<Point, DbError> {
    let now = microseconds(now);
    let point = Point {
        id: new.id,
        project_id: new.project_id,
        instance_id: new.instance_id,
        instance_name: new.instance_name,
        name: new.name,
        description: new.description,
        repository_id: new.repository_id,
        mode: new.mode,
        state: PointState::Creating,
        consistency: None,
        job_id: new.job_id,
        parent_id: None,
        virtual_bytes: None,
        read_bytes: None,
        new_bytes: None,
        stored_bytes: None,
        error_message: None,
        generation: 0,
        created_at: now,
        updated_at: now,
        finished_at: None,
        plan_id: new.origin.map(|origin| origin.plan_id),
        plan_run_id: new.origin.map(|origin| origin.run_id),
        pinned: false,
        disks: None,
    };
    diesel::insert_into(restore_points::table).values(point.clone()).execute(conn)?;
    Ok(point)
}

/// Changes what an owner may change.
pub fn point_update(
    conn: &mut Connection,
    scope: &Scope,
    id: PointId,
    update: &PointUpdate,
    now: DateTime<Utc>,
) -> Result<Point, DbError> {
    transaction(conn, |conn| {
        let before = point_get_locked(conn, scope, id)?;
        let name = update.name.clone().unwrap_or_else(|| before.name.clone());
        let description = update.description.clone().unwrap_or_else(|| before.description.clone());
        write(conn, &before, Point { name, description, ..before.clone() }, now)
    })
}

/// Moves a point, as it was read, on by one event. `error_message` is kept where the new state is
/// `Error` and cleared otherwise. A point that someone else changed since is a `Conflict`.
pub fn point_transition(
    conn: &mut Connection,
    before: &Point,
    event: PointEvent,
    error_message: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Point, DbError> {
    let state = next(before, event)?;
    let error_message = error_message.filter(|_| state == PointState::Error).map(str::to_owned);
    let finished_at = match before.state {
        PointState::Creating => Some(microseconds(now)),
        _ => before.finished_at,
    };
    let after = Point { state, error_message, finished_at, ..before.clone() };
    transaction(conn, |conn| write(conn, before, after.clone(), now))
}

/// Makes a point available, with its disks and figures.
pub(crate) fn point_fill(
    conn: &mut Connection,
    before: &Point,
    figures: &PointFigures,
    now: DateTime<Utc>,
) -> Result<Point, DbError> {
    let sum = |bytes: fn(&crate::PointDisk) -> u64| {
        Some(figures.disks.iter().map(bytes).fold(0, u64::saturating_add))
    };
    let after = Point {
        state: next(before, PointEvent::Committed)?,
        consistency: Some(figures.consistency),
        parent_id: figures.parent_id,
        virtual_bytes: sum(|disk| disk.size_bytes),
        read_bytes: sum(|disk| disk.read_bytes),
        new_bytes: sum(|disk| disk.new_bytes),
        stored_bytes: sum(|disk| disk.stored_bytes),
        error_message: None,
        finished_at: Some(microseconds(now)),
        disks: Some(PointDisks::new(figures.disks.clone())),
        ..before.clone()
    };
    disk_rows_replace(conn, before.id, &figures.disks)?;
    write(conn, before, after, now)
}

/// Removes the row of a point that is `Deleting`, with its disks. An absent one is fine.
pub fn point_delete(conn: &mut Connection, id: PointId) -> Result<(), DbError> {
    transaction(conn, |conn| match point_get_locked(conn, &Scope::All, id) {
        Ok(point) => point_remove(conn, &point),
        Err(DbError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    })
}

pub(crate) fn point_remove(conn: &mut Connection, point: &Point) -> Result<(), DbError> {
    if point.state != PointState::Deleting {
        return Err(DbError::conflict(
            RESOURCE,
            point.id,
            format!("is {}, not deleting", point.state.name()),
        ));
    }
    disk_rows_replace(conn, point.id, &[])?;
    let removed = diesel::delete(
        restore_points::table
            .find(point.id.to_string())
            .filter(restore_points::generation.eq(Number::from(point.generation))),
    )
    .execute(conn)?;
    if removed == 0 { Err(lost(point.id)) } else { Ok(()) }
}

/// One restore point, if it is in scope, as it stays until the end of the transaction but for
/// what this one writes.
pub(crate) fn point_get_locked(
    conn: &mut Connection,
    scope: &Scope,
    id: PointId,
) -> Result<Point, DbError> {
    use restore_points as p;
    // A write that changes nothing locks the row in every database.
    let mine = p::id.eq(id.to_string());
    let touch = p::generation.eq(p::generation);
    match scope.project() {
        None => diesel::update(p::table.filter(mine)).set(touch).execute(conn)?,
        Some(project) => {
            let mine = mine.and(p::project_id.eq(project.to_owned()));
            diesel::update(p::table.filter(mine)).set(touch).execute(conn)?
        }
    };
    point_get(conn, scope, id)
}

/// Makes sure that a point stays as it is until the end of the transaction, and that nobody who
/// read it before can change it afterwards.
pub(crate) fn point_hold(conn: &mut Connection, point: &Point) -> Result<(), DbError> {
    use restore_points as p;
    let held =
        diesel::update(p::table.find(point.id.to_string()).filter(p::state.eq(point.state.name())))
            .set(p::generation.eq(p::generation + 1))
            .execute(conn)?;
    if held == 0 { Err(lost(point.id)) } else { Ok(()) }
}

fn next(point: &Point, event: PointEvent) -> Result<PointState, DbError> {
    point
        .state
        .next(event)
        .ok_or_else(|| DbError::conflict(RESOURCE, point.id, format!("is {}", point.state.name())))
}

fn lost(id: PointId) -> DbError {
    DbError::conflict(RESOURCE, id, "was changed by someone else")
}

/// Compare and set: writes every column that can change, if the row is still as it was read.
fn write(
    conn: &mut Connection,
    before: &Point,
    after: Point,
    now: DateTime<Utc>,
) -> Result<Point, DbError> {
    use restore_points as p;
    let after = Point { generation: before.generation + 1, updated_at: microseconds(now), ..after };
    let row = after.clone();
    let changed = diesel::update(
        p::table
            .find(before.id.to_string())
            .filter(p::state.eq(before.state.name()))
            .filter(p::generation.eq(Number::from(before.generation))),
    )
    .set((
        p::name.eq(row.name),
        p::description.eq(row.description),
        p::state.eq(row.state.name()),
        p::consistency.eq(OptionalText::from(row.consistency)),
        p::parent_id.eq(OptionalText::from(row.parent_id)),
        p::virtual_bytes.eq(OptionalNumber::from(row.virtual_bytes)),
        p::read_bytes.eq(OptionalNumber::from(row.read_bytes)),
        p::new_bytes.eq(OptionalNumber::from(row.new_bytes)),
        p::stored_bytes.eq(OptionalNumber::from(row.stored_bytes)),
        p::error_message.eq(row.error_message),
        p::generation.eq(Number::from(row.generation)),
        p::updated_at.eq(Time::from(row.updated_at)),
        p::finished_at.eq(OptionalTime::from(row.finished_at)),
        p::disks.eq(OptionalText::from(row.disks)),
    ))
    .execute(conn)?;
    if changed == 0 { Err(lost(before.id)) } else { Ok(after) }
}
