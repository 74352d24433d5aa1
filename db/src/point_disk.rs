//! The disks of restore points. They are written once, when their point is filled.

use diesel::prelude::*;
use firn_core::{DiskId, DiskKind, PointId};

use crate::schema::restore_point_disks;
use crate::stored::{Number, Text};
use crate::{Connection, DbError};

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
    let points: Vec<String> = points.iter().map(PointId::to_string).collect();
    Ok(restore_point_disks::table
        .filter(restore_point_disks::point_id.eq_any(points))
        .order((restore_point_disks::point_id.asc(), restore_point_disks::device.asc()))
        .select(PointDisk::as_select())
        .load(conn)?)
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
