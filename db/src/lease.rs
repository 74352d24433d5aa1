//! Leases: one holder of a name at a time, such as the one scheduler.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::schema::leases;
use crate::stored::{Number, Time};
use crate::{Connection, DbError, microseconds, transaction};

const RESOURCE: &str = "lease";

/// The right to act under a name until a time, and the token that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who holds it.
    pub owner: String,
    /// Fencing token: every new holder has a larger one, also the same owner after a restart.
    pub generation: u64,
    /// When it ends unless it is renewed.
    pub until: DateTime<Utc>,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = leases)]
struct Row {
    owner: Option<String>,
    #[diesel(deserialize_as = Number)]
    generation: u64,
    #[diesel(deserialize_as = Time)]
    lease_until: DateTime<Utc>,
}

/// Takes the lease `name` where nobody holds it, its end has passed, or `owner` held it before
/// (a restart: the earlier process is fenced off). `None`: someone else holds it.
pub fn lease_acquire(
    conn: &mut Connection,
    name: &str,
    owner: &str,
    length: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Lease>, DbError> {
    let now = microseconds(now);
    let lease = |generation| Lease {
        name: name.to_owned(),
        owner: owner.to_owned(),
        generation,
        until: now + length,
    };
    let taken = transaction(conn, |conn| {
        let row = leases::table.find(name.to_owned()).select(Row::as_select()).first(conn);
        let Some(row) = row.optional()? else {
            diesel::insert_into(leases::table)
                .values((
                    leases::name.eq(name.to_owned()),
                    leases::owner.eq(Some(owner.to_owned())),
                    leases::generation.eq(Number::from(1_u64)),
                    leases::lease_until.eq(Time::from(now + length)),
                    leases::touched_at.eq(Time::from(now)),
                ))
                .execute(conn)?;
            return Ok(Some(lease(1)));
        };
        let mine = row.owner.as_deref() == Some(owner);
        if !mine && row.owner.is_some() && row.lease_until > now {
            return Ok(None);
        }
        let next = lease(row.generation + 1);
        let changed = diesel::update(
            leases::table
                .find(name.to_owned())
                .filter(leases::generation.eq(Number::from(row.generation))),
        )
        .set((
            leases::owner.eq(Some(owner.to_owned())),
            leases::generation.eq(Number::from(next.generation)),
            leases::lease_until.eq(Time::from(next.until)),
            leases::touched_at.eq(Time::from(now)),
        ))
        .execute(conn)?;
        Ok((changed == 1).then_some(next))
    });
    match taken {
        // Two were first at once.
        Err(DbError::Constraint { .. }) => Ok(None),
        taken => taken,
    }
}

/// Extends a lease from `now`. `None`: it is someone else's now. One that ran out is renewed as
/// long as nobody took it.
pub fn lease_renew(
    conn: &mut Connection,
    lease: &Lease,
    length: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Lease>, DbError> {
    let until = microseconds(now) + length;
    let changed = transaction(conn, |conn| {
        Ok(diesel::update(
            leases::table
                .find(lease.name.clone())
                .filter(leases::owner.eq(lease.owner.clone()))
                .filter(leases::generation.eq(Number::from(lease.generation))),
        )
        .set((leases::lease_until.eq(Time::from(until)), leases::touched_at.eq(Time::from(now))))
        .execute(conn)?)
    })?;
    Ok((changed == 1).then(|| Lease { until, ..lease.clone() }))
}

/// Gives a lease back, so that the next one need not wait for its end. One that is someone
/// else's is left alone.
pub fn lease_release(
    conn: &mut Connection,
    lease: &Lease,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        diesel::update(
            leases::table
                .find(lease.name.clone())
                .filter(leases::owner.eq(lease.owner.clone()))
                .filter(leases::generation.eq(Number::from(lease.generation))),
        )
        .set((leases::owner.eq(None::<String>), leases::lease_until.eq(Time::from(now))))
        .execute(conn)?;
        Ok(())
    })
}

/// Fails with a `Conflict` unless `lease` is the newest of its name and has not ended. It writes,
/// and so locks the row until the end of the transaction: nobody can take the lease in between.
pub fn lease_fence(
    conn: &mut Connection,
    lease: &Lease,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let now = microseconds(now);
    let changed = diesel::update(
        leases::table
            .find(lease.name.clone())
            .filter(leases::owner.eq(lease.owner.clone()))
            .filter(leases::generation.eq(Number::from(lease.generation)))
            .filter(leases::lease_until.gt(Time::from(now))),
    )
    .set(leases::touched_at.eq(Time::from(now)))
    .execute(conn)?;
    if changed == 0 {
        let reason = format!("is not held under generation {} any more", lease.generation);
        return Err(DbError::conflict(RESOURCE, &lease.name, reason));
    }
    Ok(())
}
