//! Restore points.

mod change;
mod list;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{
    BackupMode, Consistency, InstanceId, JobId, PlanId, PlanRunId, PointId, PointState, ProjectId,
    RepositoryId,
};

use crate::plan::PointOrigin;
use crate::point_disk::disks_of_rows;
use crate::schema::restore_points;
use crate::stored::{Number, OptionalNumber, OptionalText, OptionalTime, Text, Time};
use crate::{Connection, DbError, PointDisks, Scope};

pub use change::{PointUpdate, point_create, point_delete, point_transition, point_update};
pub(crate) use change::{point_fill, point_get_locked, point_hold, point_remove};
pub use list::{PointFilter, PointSort, point_each, point_list, points_latest_available};

const RESOURCE: &str = "restore point";

/// A restore point: the disks of one instance at one time.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = restore_points)]
pub struct Point {
    /// Its id.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: PointId,
    /// Who owns it.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub project_id: ProjectId,
    /// Whose disks it holds.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub instance_id: InstanceId,
    /// The instance's name when the backup was asked for.
    pub instance_name: String,
    /// What the owner calls it.
    pub name: Option<String>,
    /// The owner's note.
    pub description: Option<String>,
    /// Where it is stored.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub repository_id: RepositoryId,
    /// How much was asked to be read.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub mode: BackupMode,
    /// Its state.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub state: PointState,
    /// The grade reached; `None` until it is filled.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub consistency: Option<Consistency>,
    /// The job that fills it.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub job_id: JobId,
    /// The point that an incremental took as its base. It need not exist any more.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub parent_id: Option<PointId>,
    /// Sum of the sizes of its disks; `None` until it is filled.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub virtual_bytes: Option<u64>,
    /// Bytes read from storage to fill it.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub read_bytes: Option<u64>,
    /// Plain bytes that the repository did not hold before.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub new_bytes: Option<u64>,
    /// Bytes that it added to the repository.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub stored_bytes: Option<u64>,
    /// Why it is in error.
    pub error_message: Option<String>,
    /// Counts the writes of the row: a change is made to the generation that was read, or not at all.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub generation: u64,
    /// When it was asked for.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// When the row was last written.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub updated_at: DateTime<Utc>,
    /// When its filling ended, well or not.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub finished_at: Option<DateTime<Utc>>,
    /// The plan that made it; it need not exist any more.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub plan_id: Option<PlanId>,
    /// That plan's run.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub plan_run_id: Option<PlanRunId>,
    /// No retention removes it.
    pub pinned: bool,
    /// Its disks, by device name; `None` until it is filled.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub disks: Option<PointDisks>,
}

/// What a new restore point is made from.
#[derive(Clone, Debug)]
pub struct NewPoint {
    /// Its id, chosen by the caller.
    pub id: PointId,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Whose disks it will hold.
    pub instance_id: InstanceId,
    /// The instance's name now.
    pub instance_name: String,
    /// What the owner calls it.
    pub name: Option<String>,
    /// The owner's note.
    pub description: Option<String>,
    /// Where it will be stored.
    pub repository_id: RepositoryId,
    /// How much is to be read.
    pub mode: BackupMode,
    /// The job that fills it.
    pub job_id: JobId,
    /// The plan's run that asks for it.
    pub(crate) origin: Option<PointOrigin>,
}

/// One restore point, if it is in scope.
pub fn point_get(conn: &mut Connection, scope: &Scope, id: PointId) -> Result<Point, DbError> {
    // Not boxed: the type of each of the two stands for its statement, which a connection finds
    // prepared without writing it out.
    let query = restore_points::table.find(id.to_string()).select(Point::as_select());
    let point = match scope.project() {
        None => query.first(conn),
        Some(project) => {
            query.filter(restore_points::project_id.eq(project.to_owned())).first(conn)
        }
    };
    let mut point = point.optional()?.ok_or_else(|| DbError::not_found(RESOURCE, id))?;
    disks_of_rows(conn, std::slice::from_mut(&mut point))?;
    Ok(point)
}
