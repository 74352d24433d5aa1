//! The disks of restore points. They are written once, when their point is filled, and read with
//! it, so they lie in one column of its row (docs/adr/0048).
//!
//! The version before has them in a table of their own. While it may be at work, that table is
//! written too, and read for the points that it filled.

use std::collections::HashMap;

use diesel::prelude::*;
use firn_core::{DiskId, DiskKind, PointId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::schema::restore_point_disks;
use crate::stored::{Number, OptionalText, StoredValueError, Text};
use crate::{Connection, DbError, Point};

/// The most points that one statement asks for: databases bound the values of a statement.
const POINTS_AT_ONCE: usize = 1024;

/// The disks of a restore point, by device name, in the form in which they are stored: JSON.
///
/// A page of a thousand points has thousands of disks, which mostly go on as they are.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct PointDisks(Box<RawValue>);

impl PointDisks {
    /// Orders and writes them.
    pub(crate) fn new(mut disks: Vec<PointDisk>) -> Self {
        disks.sort_by(|a, b| a.device.cmp(&b.device));
        // They always have a JSON form.
        Self(serde_json::value::to_raw_value(&disks).unwrap_or_default())
    }

    /// Reads them.
    pub fn list(&self) -> Result<Vec<PointDisk>, StoredValueError> {
        serde_json::from_str(self.0.get()).map_err(|_| unknown(self.0.get()))
    }
}

/// No disks.
impl Default for PointDisks {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl PartialEq for PointDisks {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl From<Option<PointDisks>> for OptionalText {
    fn from(disks: Option<PointDisks>) -> Self {
        Self(disks.map(|disks| disks.0.get().to_owned()))
    }
}

impl TryFrom<OptionalText> for Option<PointDisks> {
    type Error = StoredValueError;

    fn try_from(text: OptionalText) -> Result<Self, StoredValueError> {
        let read = |text: String| match RawValue::from_string(text) {
            Ok(json) => Ok(PointDisks(json)),
            Err(error) => Err(unknown(&error.to_string())),
        };
        text.0.map(read).transpose()
    }
}

fn unknown(found: &str) -> StoredValueError {
    StoredValueError { value: found.to_owned(), expected: "the disks of a restore point" }
}

/// One disk of a restore point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointDisk {
    /// Its id, the same as in the repository.
    pub id: DiskId,
    /// Target device in the guest: `vda`.
    pub device: String,
    /// What it is to the instance.
    pub kind: DiskKind,
    /// The driver that read it.
    pub driver: String,
    /// Its size.
    pub size_bytes: u64,
    /// Bytes read from storage.
    pub read_bytes: u64,
    /// Plain bytes that the repository did not hold before.
    pub new_bytes: u64,
    /// Bytes that it added to the repository.
    pub stored_bytes: u64,
}

/// The same in the table of the version before.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = restore_point_disks)]
struct DiskRow {
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    id: DiskId,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    point_id: PointId,
    device: String,
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    kind: DiskKind,
    driver: String,
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    size_bytes: u64,
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    read_bytes: u64,
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    new_bytes: u64,
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    stored_bytes: u64,
}

/// Whether the version before filled the point.
pub(crate) const fn disks_lie_in_rows(point: &Point) -> bool {
    point.disks.is_none() && point.virtual_bytes.is_some()
}

/// Gives the points that the version before filled their disks.
pub(crate) fn disks_of_rows(conn: &mut Connection, points: &mut [Point]) -> Result<(), DbError> {
    let mut lacking: Vec<_> = points.iter_mut().filter(|point| disks_lie_in_rows(point)).collect();
    for points in lacking.chunks_mut(POINTS_AT_ONCE) {
        let ids: Vec<_> = points.iter().map(|point| point.id.to_string()).collect();
        let rows: Vec<DiskRow> = restore_point_disks::table
            .filter(restore_point_disks::point_id.eq_any(ids))
            .select(DiskRow::as_select())
            .load(conn)?;
        let mut by_point: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            by_point.entry(row.point_id).or_default().push(PointDisk::from(row));
        }
        for point in points {
            let disks = by_point.remove(&point.id).unwrap_or_default();
            point.disks = Some(PointDisks::new(disks));
        }
    }
    Ok(())
}

/// Puts `disks` in the place of whatever rows the point had.
pub(crate) fn disk_rows_replace(
    conn: &mut Connection,
    point: PointId,
    disks: &[PointDisk],
) -> Result<(), DbError> {
    let theirs = restore_point_disks::point_id.eq(point.to_string());
    diesel::delete(restore_point_disks::table.filter(theirs)).execute(conn)?;
    for disk in disks {
        let row = DiskRow::new(point, disk.clone());
        diesel::insert_into(restore_point_disks::table).values(row).execute(conn)?;
    }
    Ok(())
}

impl DiskRow {
    fn new(point_id: PointId, disk: PointDisk) -> Self {
        Self {
            id: disk.id,
            point_id,
            device: disk.device,
            kind: disk.kind,
            driver: disk.driver,
            size_bytes: disk.size_bytes,
            read_bytes: disk.read_bytes,
            new_bytes: disk.new_bytes,
            stored_bytes: disk.stored_bytes,
        }
    }
}

impl From<DiskRow> for PointDisk {
    fn from(row: DiskRow) -> Self {
        Self {
            id: row.id,
            device: row.device,
            kind: row.kind,
            driver: row.driver,
            size_bytes: row.size_bytes,
            read_bytes: row.read_bytes,
            new_bytes: row.new_bytes,
            stored_bytes: row.stored_bytes,
        }
    }
}
