//! Where the data of jobs is, and claims within limits that count by it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use firn_core::{InstanceId, JobId, JobKind, JobState, RepositoryId};

use super::claim::{Claimed, job_claim};
use super::room::{JobLimits, JobPlaces, Load, Room};
use super::unfinished_names;
use crate::schema::{job_places, jobs};
use crate::stored::{Name, OptionalText, OptionalTime, Text, Time};
use crate::{Connection, DbError, transaction, transaction_lock};

/// All claims that count by places are made under it.
const LOCK: &str = "job-places";
/// Jobs that are looked at in one query.
const PAGE: usize = 500;

#[derive(Queryable)]
struct LoadRow {
    #[diesel(deserialize_as = Text)]
    id: JobId,
    #[diesel(deserialize_as = Text)]
    kind: JobKind,
    #[diesel(deserialize_as = Text)]
    state: JobState,
    #[diesel(deserialize_as = OptionalText)]
    repository_id: Option<RepositoryId>,
    #[diesel(deserialize_as = Time)]
    created_at: DateTime<Utc>,
    #[diesel(deserialize_as = OptionalTime)]
    lease_until: Option<DateTime<Utc>>,
    hypervisor: Option<String>,
    #[diesel(deserialize_as = OptionalText)]
    storages: Option<BTreeSet<String>>,
}

impl From<LoadRow> for Load {
    fn from(row: LoadRow) -> Self {
        let known = row.storages.map(|storages| JobPlaces { hypervisor: row.hypervisor, storages });
        Self {
            id: row.id,
            state: row.state,
            repository: row.repository_id,
            places: match row.kind {
                JobKind::CreatePoint => known,
                // These read and write the repository alone.
                JobKind::DeletePoint | JobKind::VerifyPoint | JobKind::Restore => {
                    Some(known.unwrap_or_default())
                }
            },
            since: row.lease_until.map_or(row.created_at, |until| until.max(row.created_at)),
        }
    }
}

/// Jobs with their places.
macro_rules! loads {
    () => {
        jobs::table
            .left_join(job_places::table.on(job_places::job_id.eq(jobs::id)))
            .filter(jobs::state.eq_any(unfinished_names()))
            .select((
                jobs::id,
                jobs::kind,
                jobs::state,
                jobs::repository_id,
                jobs::created_at,
                jobs::lease_until,
                job_places::hypervisor.nullable(),
                job_places::storages.nullable(),
            ))
    };
}

/// The backups that can be claimed at `now` and of which nobody has said where their instances
/// are ([`job_places_set`]), the oldest first.
pub fn jobs_without_places(
    conn: &mut Connection,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(JobId, InstanceId)>, DbError> {
    #[derive(Queryable)]
    struct Row {
        #[diesel(deserialize_as = Text)]
        id: JobId,
        #[diesel(deserialize_as = OptionalText)]
        instance_id: Option<InstanceId>,
    }
    let rows: Vec<Row> = jobs::table
        .left_join(job_places::table.on(job_places::job_id.eq(jobs::id)))
        .filter(job_places::job_id.is_null())
        .filter(jobs::kind.eq(JobKind::CreatePoint.name()))
        .filter(jobs::instance_id.is_not_null())
        .filter(jobs::state.eq_any(unfinished_names()))
        .filter(jobs::lease_until.is_null().or(jobs::lease_until.le(Time::from(now).0)))
        .order((jobs::created_at.asc(), jobs::id.asc()))
        .limit(limit.into())
        .select((jobs::id, jobs::instance_id))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.instance_id?))).collect())
}

/// Says where the instance of a job is. Whoever says it last is right; a job that is gone has no
/// places.
pub fn job_places_set(conn: &mut Connection, id: JobId, places: &JobPlaces) -> Result<(), DbError> {
    let set = transaction(conn, |conn| {
        diesel::delete(job_places::table.find(id.to_string())).execute(conn)?;
        diesel::insert_into(job_places::table)
            .values((
                job_places::job_id.eq(id.to_string()),
                job_places::hypervisor.eq(places.hypervisor.clone()),
                job_places::storages.eq(Text::from(places.storages.clone())),
            ))
            .execute(conn)?;
        Ok(())
    });
    match set {
        // Another one said it at the same moment, or the job was purged.
        Err(DbError::Constraint { .. }) => Ok(()),
        set => set,
    }
}

/// Claims the oldest job that may run now without a limit being passed, counting the jobs that
/// are held over the whole database. Claims that are limited are made one after the other, so
/// that two never take the same room.
///
/// A backup of which nobody knows where it is is not claimed while it has to be known.
pub fn job_claim_within(
    conn: &mut Connection,
    owner: &str,
    lease: TimeDelta,
    limits: &JobLimits,
    now: DateTime<Utc>,
) -> Result<Option<Claimed>, DbError> {
    transaction(conn, |conn| {
        transaction_lock(conn, LOCK)?;
        let mut room = Room::new(*limits, &running(conn, now)?, now);
        let mut after = None;
        loop {
            let page = waiting(conn, after.as_ref(), now)?;
            for row in &page.jobs {
                if room.admits(row)
                    && let Some(claimed) = job_claim(conn, row.id, owner, lease, now)?
                {
                    return Ok(Some(claimed));
                }
            }
            if page.jobs.len() < PAGE {
                return Ok(None);
            }
            after = page.last;
        }
    })
}

/// Jobs that somebody holds.
fn running(conn: &mut Connection, now: DateTime<Utc>) -> Result<Vec<Load>, DbError> {
    let rows: Vec<LoadRow> = loads!()
        .filter(jobs::lease_owner.is_not_null())
        .filter(jobs::lease_until.gt(Time::from(now).0))
        .load(conn)?;
    Ok(rows.into_iter().map(Load::from).collect())
}

struct Page {
    jobs: Vec<Load>,
    last: Option<(DateTime<Utc>, JobId)>,
}

/// Jobs that can be claimed, the oldest first.
fn waiting(
    conn: &mut Connection,
    after: Option<&(DateTime<Utc>, JobId)>,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let mut query = loads!()
        .filter(jobs::lease_until.is_null().or(jobs::lease_until.le(Time::from(now).0)))
        .into_boxed();
    if let Some((created_at, id)) = after {
        let created_at = Time::from(*created_at).0;
        let later = jobs::created_at.eq(created_at).and(jobs::id.gt(id.to_string()));
        query = query.filter(jobs::created_at.gt(created_at).or(later));
    }
    let rows: Vec<LoadRow> = query
        .order((jobs::created_at.asc(), jobs::id.asc()))
        .limit(i64::try_from(PAGE).unwrap_or(i64::MAX))
        .load(conn)?;
    let last = rows.last().map(|row| (row.created_at, row.id));
    Ok(Page { jobs: rows.into_iter().map(Load::from).collect(), last })
}
