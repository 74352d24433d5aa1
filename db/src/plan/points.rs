use diesel::prelude::*;
use firn_core::{InstanceId, PlanId, PointId};

use crate::point::point_get_locked;
use crate::schema::restore_points;
use crate::{Connection, DbError, Point, Scope, transaction};

/// The points that a plan made and that still are, newest first; of one instance, or of all.
pub fn points_of_plan(
    conn: &mut Connection,
    plan: PlanId,
    instance: Option<InstanceId>,
) -> Result<Vec<Point>, DbError> {
    use restore_points as p;
    let mut query =
        p::table.filter(p::plan_id.eq(plan.to_string())).select(Point::as_select()).into_boxed();
    if let Some(instance) = instance {
        query = query.filter(p::instance_id.eq(instance.to_string()));
    }
    Ok(query.order((p::created_at.desc(), p::id.desc())).load(conn)?)
}

/// Pins a point, so that no retention removes it, or lets it go again.
pub fn point_pin(
    conn: &mut Connection,
    scope: &Scope,
    id: PointId,
    pinned: bool,
) -> Result<Point, DbError> {
    use restore_points as p;
    transaction(conn, |conn| {
        let before = point_get_locked(conn, scope, id)?;
        diesel::update(p::table.find(id.to_string()))
            .set((p::pinned.eq(pinned), p::generation.eq(p::generation + 1)))
            .execute(conn)?;
        Ok(Point { pinned, generation: before.generation + 1, ..before })
    })
}
