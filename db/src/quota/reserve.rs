use diesel::prelude::*;
use firn_core::{InstanceId, ProjectId};

use super::{QuotaLimits, QuotaResource, quota_get};
use crate::schema::restore_points;
use crate::usage::{ProjectUsage, usage_get};
use crate::{Connection, DbError, transaction_lock};

/// What a request is about to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaDemand {
    /// The instance to be protected; counts where the project has no point of it yet.
    pub instance: Option<InstanceId>,
    /// Restore points. With any, the stored bytes must not have reached their limit.
    pub restore_points: u64,
    /// Jobs.
    pub jobs: u64,
}

impl QuotaDemand {
    /// A backup: a point of an instance, and its job.
    pub fn backup(instance: InstanceId) -> Self {
        Self { instance: Some(instance), restore_points: 1, jobs: 1 }
    }

    /// A job that makes no point: a restore, a verification.
    pub fn job() -> Self {
        Self { instance: None, restore_points: 0, jobs: 1 }
    }
}

/// Makes sure that a project may have `demand` more, until the end of the transaction that makes
/// the rows: requests of one project do this one after the other.
///
/// Deleting needs no leave: a job that deletes is not to be kept from running by a quota.
///
/// # Errors
/// `Quota` names what there would be too much of; `InvalidInput` outside a transaction.
pub fn quota_reserve(
    conn: &mut Connection,
    project: &ProjectId,
    demand: &QuotaDemand,
    defaults: &QuotaLimits,
) -> Result<(), DbError> {
    project_lock(conn, project)?;
    quota_check(conn, project, demand, defaults)
}

/// Until the end of the transaction nobody else makes what is counted or looked for in the project.
pub(crate) fn project_lock(conn: &mut Connection, project: &ProjectId) -> Result<(), DbError> {
    transaction_lock(conn, &format!("project/{project}"))
}

/// The same answer without holding anybody up, and without any promise: for a dry run.
pub fn quota_check(
    conn: &mut Connection,
    project: &ProjectId,
    demand: &QuotaDemand,
    defaults: &QuotaLimits,
) -> Result<(), DbError> {
    let limits = quota_get(conn, project, defaults)?;
    if limits == QuotaLimits::default() {
        return Ok(());
    }
    let used = usage_get(conn, project)?;
    let instances = match demand.instance {
        Some(instance) if !protected(conn, project, instance)? => 1,
        _ => 0,
    };
    exceeded(&limits, &used, demand, instances).map_or(Ok(()), Err)
}

fn exceeded(
    limits: &QuotaLimits,
    used: &ProjectUsage,
    demand: &QuotaDemand,
    instances: u64,
) -> Option<DbError> {
    let points = demand.restore_points;
    [
        (QuotaResource::Instances, used.instances, instances),
        (QuotaResource::RestorePoints, used.restore_points, points),
        // How much a point will store nobody knows before; one byte is the least.
        (QuotaResource::StoredBytes, used.stored_bytes, points.min(1)),
        (QuotaResource::ConcurrentJobs, used.concurrent_jobs, demand.jobs),
    ]
    .into_iter()
    .find_map(|(resource, used, requested)| {
        let limit = limits.of(resource)?;
        let fits = requested == 0 || used.saturating_add(requested) <= limit;
        let resource = resource.name();
        (!fits).then_some(DbError::Quota { resource, limit, used, requested })
    })
}

fn protected(
    conn: &mut Connection,
    project: &ProjectId,
    instance: InstanceId,
) -> Result<bool, DbError> {
    use restore_points as p;
    let found: Option<String> = p::table
        .filter(p::project_id.eq(project.0.clone()))
        .filter(p::instance_id.eq(instance.to_string()))
        .select(p::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(limits: QuotaLimits, used: ProjectUsage, demand: QuotaDemand) -> Option<String> {
        match exceeded(&limits, &used, &demand, u64::from(demand.instance.is_some())) {
            Some(DbError::Quota { resource, .. }) => Some(resource.to_owned()),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    #[test]
    fn each_limit_is_reached_and_not_passed() {
        let used = ProjectUsage {
            instances: 2,
            restore_points: 5,
            stored_bytes: 100,
            concurrent_jobs: 3,
            ..ProjectUsage::default()
        };
        let backup = QuotaDemand::backup(InstanceId::new());
        let none = QuotaLimits::default();
        assert_eq!(refused(none, used, backup), None);
        for (at, over, name) in [
            (3, 2, "instances"),
            (6, 5, "restore_points"),
            (101, 100, "stored_bytes"),
            (4, 3, "concurrent_jobs"),
        ] {
            let limits = |limit| match name {
                "instances" => QuotaLimits { instances: Some(limit), ..none },
                "restore_points" => QuotaLimits { restore_points: Some(limit), ..none },
                "stored_bytes" => QuotaLimits { stored_bytes: Some(limit), ..none },
                _ => QuotaLimits { concurrent_jobs: Some(limit), ..none },
            };
            assert_eq!(refused(limits(at), used, backup), None, "{name}");
            assert_eq!(refused(limits(over), used, backup).as_deref(), Some(name));
            assert_eq!(refused(limits(0), used, backup).as_deref(), Some(name));
        }
        // What is over its limit already hinders only those who ask for more of it.
        let low = QuotaLimits { restore_points: Some(1), stored_bytes: Some(1), ..none };
        assert_eq!(refused(low, used, QuotaDemand::job()), None);
    }
}
