//! The disks of restore points. They are written once, when their point is filled.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Text as SqlText};
use firn_core::{DiskId, DiskKind, PointId};

use crate::schema::restore_point_disks;
use crate::stored::{Number, Text};
use crate::{Connection, DbError};

/// The most points that one statement asks for: databases bound the values of a statement.
const POINTS_AT_ONCE: usize = 1024;

/// One disk of a restore point.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = restore_point_disks)]
pub struct PointDisk {
    /// Its id, the same as in the repository.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: DiskId,
    /// The point it belongs to.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub point_id: PointId,
    /// Target device in the guest: `vda`.
    pub device: String,
    /// What it is to the instance.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub kind: DiskKind,
    /// The driver that read it.
    pub driver: String,
    /// Its size.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub size_bytes: u64,
    /// Bytes read from storage.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub read_bytes: u64,
    /// Plain bytes that the repository did not hold before.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub new_bytes: u64,
    /// Bytes that it added to the repository.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub stored_bytes: u64,
}

/// The disks of one point, by device name.
pub fn point_disk_list(conn: &mut Connection, point: PointId) -> Result<Vec<PointDisk>, DbError> {
    points_disk_list(conn, &[point])
}

/// The disks of several points at once, by point and device name.
pub fn points_disk_list(
    conn: &mut Connection,
    points: &[PointId],
) -> Result<Vec<PointDisk>, DbError> {
    let mut disks = Vec::new();
    for points in points.chunks(POINTS_AT_ONCE) {
        let theirs: Vec<PointDisk> = restore_point_disks::table
            .filter(AmongPoints::new(points))
            .select(PointDisk::as_select())
            .load(conn)?;
        disks.extend(theirs);
    }
    // Cheaper here than by the database, which would write all rows to a buffer first.
    disks.sort_by(|a, b| (a.point_id, &a.device).cmp(&(b.point_id, &b.device)));
    Ok(disks)
}

/// `point_id IN (…)` for lists of many lengths, with few statements.
///
/// The usual `eq_any` is prepared anew at every call, which costs a list of a thousand more than
/// its rows. Here the last point is repeated until the length is a power of two, so that few
/// statements are ever prepared, and each connection keeps them.
struct AmongPoints {
    ids: Vec<String>,
}

impl AmongPoints {
    /// `points` are not empty.
    fn new(points: &[PointId]) -> Self {
        let mut ids: Vec<String> = points.iter().map(PointId::to_string).collect();
        if let Some(last) = ids.last().cloned() {
            ids.resize(ids.len().next_power_of_two(), last);
        }
        Self { ids }
    }
}

impl Expression for AmongPoints {
    type SqlType = Bool;
}

impl<G> ValidGrouping<G> for AmongPoints {
    type IsAggregate = is_aggregate::No;
}

impl AppearsOnTable<restore_point_disks::table> for AmongPoints {}

/// The length is not in the type, so the type does not stand for one statement.
impl QueryId for AmongPoints {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for AmongPoints
where
    DB: Backend + HasSqlType<SqlText>,
    String: ToSql<SqlText, DB>,
    restore_point_disks::point_id: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        restore_point_disks::point_id.walk_ast(out.reborrow())?;
        for (at, id) in self.ids.iter().enumerate() {
            out.push_sql(if at == 0 { " IN (" } else { "," });
            out.push_bind_param::<SqlText, _>(id)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Puts `disks` in the place of whatever the point had.
pub(crate) fn point_disk_replace(
    conn: &mut Connection,
    point: PointId,
    disks: &[PointDisk],
) -> Result<(), DbError> {
    let theirs = restore_point_disks::point_id.eq(point.to_string());
    diesel::delete(restore_point_disks::table.filter(theirs)).execute(conn)?;
    for disk in disks {
        let row = PointDisk { point_id: point, ..disk.clone() };
        diesel::insert_into(restore_point_disks::table).values(row).execute(conn)?;
    }
    Ok(())
}
