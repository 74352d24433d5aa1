use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::ProjectId;

use crate::schema::quotas;
use crate::stored::{Name, Stored, Time};
use crate::{Connection, DbError, transaction};

/// As a limit: none.
const UNLIMITED: i64 = -1;

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaResource {
    /// Instances with at least one restore point.
    Instances,
    /// Restore points in any state.
    RestorePoints,
    /// Bytes that the restore points added to the repositories.
    StoredBytes,
    /// Jobs that have not ended, waiting ones included.
    ConcurrentJobs,
}

impl QuotaResource {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Instances, Self::RestorePoints, Self::StoredBytes, Self::ConcurrentJobs];

    /// Its name in the API and in the database: `restore_points`.
    pub fn name(self) -> &'static str {
        Name::name(self)
    }
}

/// What one project may have; `None` means any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits {
    /// Instances with at least one restore point.
    pub instances: Option<u64>,
    /// Restore points in any state.
    pub restore_points: Option<u64>,
    /// Bytes that the restore points added to the repositories.
    pub stored_bytes: Option<u64>,
    /// Jobs that have not ended.
    pub concurrent_jobs: Option<u64>,
}

impl QuotaLimits {
    /// The limit of one resource.
    pub fn of(&self, resource: QuotaResource) -> Option<u64> {
        match resource {
            QuotaResource::Instances => self.instances,
            QuotaResource::RestorePoints => self.restore_points,
            QuotaResource::StoredBytes => self.stored_bytes,
            QuotaResource::ConcurrentJobs => self.concurrent_jobs,
        }
    }

    fn of_mut(&mut self, resource: QuotaResource) -> &mut Option<u64> {
        match resource {
            QuotaResource::Instances => &mut self.instances,
            QuotaResource::RestorePoints => &mut self.restore_points,
            QuotaResource::StoredBytes => &mut self.stored_bytes,
            QuotaResource::ConcurrentJobs => &mut self.concurrent_jobs,
        }
    }
}

/// What a project may have: its own limits where an administrator set them, `defaults` otherwise.
pub fn quota_get(
    conn: &mut Connection,
    project: &ProjectId,
    defaults: &QuotaLimits,
) -> Result<QuotaLimits, DbError> {
    let mut limits = *defaults;
    for (resource, limit) in own(conn, project)? {
        *limits.of_mut(resource) = limit;
    }
    Ok(limits)
}

/// The limits that an administrator set for a project.
fn own(
    conn: &mut Connection,
    project: &ProjectId,
) -> Result<Vec<(QuotaResource, Option<u64>)>, DbError> {
    let rows: Vec<(String, i64)> = quotas::table
        .filter(quotas::project_id.eq(project.0.clone()))
        .select((quotas::resource, quotas::hard_limit))
        .load(conn)?;
    let known = rows.into_iter().filter_map(|(resource, limit)| {
        // One that a newer version knows does not concern this one.
        let resource = QuotaResource::try_from(Stored(resource)).ok()?;
        Some((resource, u64::try_from(limit).ok()))
    });
    Ok(known.collect())
}

/// Sets one limit of a project; `None`: any number. What the project has beyond it stays.
pub fn quota_set(
    conn: &mut Connection,
    project: &ProjectId,
    resource: QuotaResource,
    limit: Option<u64>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    quotas_set(conn, project, &[(resource, limit)], now)
}

/// Sets several limits of a project, all or none.
pub fn quotas_set(
    conn: &mut Connection,
    project: &ProjectId,
    limits: &[(QuotaResource, Option<u64>)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    transaction(conn, |conn| {
        for (resource, limit) in limits {
            let limit = limit.map_or(UNLIMITED, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
            let row = quotas::table.find((project.0.clone(), Name::name(*resource)));
            let changed = diesel::update(row)
                .set((quotas::hard_limit.eq(limit), quotas::updated_at.eq(Time::from(now))))
                .execute(conn)?;
            if changed == 0 {
                diesel::insert_into(quotas::table)
                    .values((
                        quotas::project_id.eq(project.0.clone()),
                        quotas::resource.eq(Name::name(*resource)),
                        quotas::hard_limit.eq(limit),
                        quotas::updated_at.eq(Time::from(now)),
                    ))
                    .execute(conn)
                    .map_err(|error| DbError::from(error).raced())?;
            }
        }
        Ok(())
    })
}

/// Removes a project's own limits: the defaults count again. None at all is fine.
pub fn quota_reset(conn: &mut Connection, project: &ProjectId) -> Result<(), DbError> {
    transaction(conn, |conn| {
        let own = quotas::table.filter(quotas::project_id.eq(project.0.clone()));
        diesel::delete(own).execute(conn)?;
        Ok(())
    })
}
