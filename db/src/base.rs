//! The disks of servers on which drivers took snapshots. A cloud may be unable to remove such a disk
//! with its server: so each is remembered until the server and the disk are gone.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{InstanceId, ProjectId};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::bases;
use crate::stored::{OptionalTime, Text, Time};
use crate::{Connection, DbError, microseconds, transaction};

/// A disk that has, or had, snapshots of ours.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = bases)]
pub struct Base {
    /// Made of the location: one disk has one row.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: Uuid,
    /// The server it belongs to.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub instance_id: InstanceId,
    /// That server's project.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub project_id: ProjectId,
    /// The driver that knows the location.
    pub driver: String,
    /// The disk, as the driver gave it out.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub location: Value,
    /// How the names of our snapshots on it begin.
    pub snapshot_prefix: String,
    /// When a snapshot was last about to be taken.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub recorded_at: DateTime<Utc>,
    /// When somebody last looked whether the server is there.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub checked_at: DateTime<Utc>,
    /// Since when every look found no server; `None` where the last one found it.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub missing_since: Option<DateTime<Utc>>,
    /// Why the storage did not remove the disk of a missing server, when it was asked last.
    pub refusal: Option<String>,
}

/// What a backup says of a disk.
#[derive(Clone, Debug)]
pub struct NewBase {
    /// See [`Base::id`].
    pub id: Uuid,
    /// See [`Base::instance_id`].
    pub instance_id: InstanceId,
    /// See [`Base::project_id`].
    pub project_id: ProjectId,
    /// See [`Base::driver`].
    pub driver: String,
    /// See [`Base::location`].
    pub location: Value,
    /// See [`Base::snapshot_prefix`].
    pub snapshot_prefix: String,
}

/// Remembers a disk, whose server is there.
pub fn base_record(
    conn: &mut Connection,
    new: &NewBase,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        let changed = diesel::update(bases::table.find(new.id.to_string()))
            .set((
                bases::recorded_at.eq(Time::from(now)),
                bases::checked_at.eq(Time::from(now)),
                bases::missing_since.eq(OptionalTime::from(None)),
                bases::refusal.eq(None::<String>),
            ))
            .execute(conn)?;
        if changed > 0 {
            return Ok(());
        }
        let NewBase { id, instance_id, project_id, driver, location, snapshot_prefix } =
            new.clone();
        let now = microseconds(now);
        let base = Base {
            id,
            instance_id,
            project_id,
            driver,
            location,
            snapshot_prefix,
            recorded_at: now,
            checked_at: now,
            missing_since: None,
            refusal: None,
        };
        diesel::insert_into(bases::table)
            .values(base)
            .execute(conn)
            .map_err(|error| DbError::from(error).raced())?;
        Ok(())
    })
}

/// At most `limit` disks that nobody looked at since `before`, the longest ago first.
pub fn base_list_due(
    conn: &mut Connection,
    before: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Base>, DbError> {
    Ok(bases::table
        .filter(bases::checked_at.le(Time::from(before).0))
        .order((bases::checked_at.asc(), bases::id.asc()))
        .limit(limit.into())
        .select(Base::as_select())
        .load(conn)?)
}

/// The disks of these servers.
pub fn base_list_of(conn: &mut Connection, instances: &[InstanceId]) -> Result<Vec<Base>, DbError> {
    let ids: Vec<String> = instances.iter().map(ToString::to_string).collect();
    Ok(bases::table
        .filter(bases::instance_id.eq_any(ids))
        .order(bases::id.asc())
        .select(Base::as_select())
        .load(conn)?)
}

/// Whether there is any such disk.
pub fn base_any(conn: &mut Connection) -> Result<bool, DbError> {
    let first: Option<String> = bases::table.select(bases::id).first(conn).optional()?;
    Ok(first.is_some())
}

/// Keeps what a look at `now` found. Nothing happens where the disk was recorded again after `base`
/// was read.
pub fn base_checked(
    conn: &mut Connection,
    base: &Base,
    missing_since: Option<DateTime<Utc>>,
    refusal: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        diesel::update(
            bases::table
                .find(base.id.to_string())
                .filter(bases::recorded_at.eq(Time::from(base.recorded_at).0)),
        )
        .set((
            bases::checked_at.eq(Time::from(now)),
            bases::missing_since.eq(OptionalTime::from(missing_since)),
            bases::refusal.eq(refusal.map(str::to_owned)),
        ))
        .execute(conn)?;
        Ok(())
    })
}

/// Forgets a disk, unless it was recorded again after `base` was read. An absent one is fine.
pub fn base_delete(conn: &mut Connection, base: &Base) -> Result<(), DbError> {
    transaction(conn, |conn| {
        diesel::delete(
            bases::table
                .find(base.id.to_string())
                .filter(bases::recorded_at.eq(Time::from(base.recorded_at).0)),
        )
        .execute(conn)?;
        Ok(())
    })
}
