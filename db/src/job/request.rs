//! What the API asks for: a job and its resource appear together or not at all.

use chrono::{DateTime, Utc};
use firn_core::{
    BackupMode, InstanceId, JobId, JobKind, PointEvent, PointId, PointState, ProjectId,
    RepositoryId, RestoreId, RestoreTarget,
};
use serde_json::Value;

use super::{Job, NewJob, job_create, jobs_unfinished_for_point};
use crate::plan::PointOrigin;
use crate::point::{point_create, point_get_locked, point_hold, point_transition};
use crate::quota::project_lock;
use crate::restore::restore_create;
use crate::stored::Name;
use crate::{
    Connection, DbError, NewPoint, NewRestore, Page, Point, PointFilter, Restore, Scope,
    point_list, transaction,
};

const POINT: &str = "restore point";

/// A request for a backup.
#[derive(Clone, Debug)]
pub struct BackupRequest {
    /// Id of the new point, chosen by the caller.
    pub point_id: PointId,
    /// Id of the new job, chosen by the caller.
    pub job_id: JobId,
    /// Who asks.
    pub project_id: ProjectId,
    /// What to back up.
    pub instance_id: InstanceId,
    /// Its name now.
    pub instance_name: String,
    /// What the owner calls the point.
    pub name: Option<String>,
    /// The owner's note.
    pub description: Option<String>,
    /// Where to.
    pub repository_id: RepositoryId,
    /// How much to read.
    pub mode: BackupMode,
    /// What the saga needs to know beyond the point.
    pub spec: Value,
    /// Id of the request, for the logs.
    pub request_id: String,
}

/// A request for a restore.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// Id of the new restore, chosen by the caller.
    pub restore_id: RestoreId,
    /// Id of the new job, chosen by the caller.
    pub job_id: JobId,
    /// What to restore.
    pub point_id: PointId,
    /// Where to.
    pub target: RestoreTarget,
    /// What the saga needs to know beyond the restore.
    pub spec: Value,
    /// Id of the request, for the logs.
    pub request_id: String,
}

impl RestoreRequest {
    /// Whose the restore and its job are: they count against that project's quota, and only it sees
    /// them. What makes something belongs to the project that it is made in, which the grant in the
    /// spec names; files and the instance itself stay with the point's.
    pub fn project_id(&self, point: &Point) -> ProjectId {
        let granted = match &self.target {
            RestoreTarget::NewInstance(_) | RestoreTarget::Volume(_) => {
                self.spec["grant"]["project_id"].as_str()
            }
            RestoreTarget::File { .. } | RestoreTarget::Original => None,
        };
        granted.map_or_else(|| point.project_id.clone(), |project| ProjectId(project.to_owned()))
    }
}

/// A request to delete or to verify a point.
#[derive(Clone, Debug)]
pub struct PointRequest {
    /// Id of the new job, chosen by the caller.
    pub job_id: JobId,
    /// The point.
    pub point_id: PointId,
    /// What the saga needs to know beyond the point.
    pub spec: Value,
    /// Id of the request, for the logs.
    pub request_id: String,
}

/// The job that backs an instance up already. Until the end of the transaction no other backup of
/// the project's is begun.
///
/// # Errors
/// `InvalidInput` outside a transaction.
pub fn backup_under_way(
    conn: &mut Connection,
    project: &ProjectId,
    instance: InstanceId,
) -> Result<Option<JobId>, DbError> {
    project_lock(conn, project)?;
    let filter = PointFilter {
        instance_id: Some(instance),
        state: Some(PointState::Creating),
        ..PointFilter::default()
    };
    let running = point_list(conn, &Scope::All, &filter, &Page::first(1))?;
    Ok(running.first().map(|point| point.job_id))
}

/// Makes a point in state `Creating` and the job that fills it.
pub fn backup_request_create(
    conn: &mut Connection,
    request: BackupRequest,
    now: DateTime<Utc>,
) -> Result<(Point, Job), DbError> {
    backup_request_create_from(conn, request, None, now)
}

/// The same for a run of a plan.
pub(crate) fn backup_request_create_from(
    conn: &mut Connection,
    request: BackupRequest,
    origin: Option<PointOrigin>,
    now: DateTime<Utc>,
) -> Result<(Point, Job), DbError> {
    let new = NewPoint {
        id: request.point_id,
        project_id: request.project_id.clone(),
        instance_id: request.instance_id,
        instance_name: request.instance_name,
        name: request.name,
        description: request.description,
        repository_id: request.repository_id,
        mode: request.mode,
        job_id: request.job_id,
        origin,
    };
    let job = NewJob {
        id: request.job_id,
        project_id: request.project_id,
        kind: JobKind::CreatePoint,
        resource_id: request.point_id.0,
        repository_id: Some(request.repository_id),
        instance_id: Some(request.instance_id),
        spec: request.spec,
        request_id: request.request_id,
    };
    transaction(conn, |conn| {
        Ok((point_create(conn, new.clone(), now)?, job_create(conn, job.clone(), now)?))
    })
}

/// Makes a restore of a point in scope and its job, for the project of
/// [`RestoreRequest::project_id`]. A point that is not available is a `Conflict`.
pub fn restore_request_create(
    conn: &mut Connection,
    scope: &Scope,
    request: RestoreRequest,
    now: DateTime<Utc>,
) -> Result<(Restore, Job), DbError> {
    transaction(conn, |conn| {
        let point = point_get_locked(conn, scope, request.point_id)?;
        if !point.state.restorable() {
            let reason = format!("cannot be restored: it is {}", point.state.name());
            return Err(DbError::conflict(POINT, point.id, reason));
        }
        point_hold(conn, &point)?;
        let project_id = request.project_id(&point);
        let new = NewRestore {
            id: request.restore_id,
            project_id: project_id.clone(),
            point_id: point.id,
            job_id: request.job_id,
            target: request.target.clone(),
        };
        let job = NewJob {
            id: request.job_id,
            project_id,
            kind: JobKind::Restore,
            resource_id: request.restore_id.0,
            repository_id: Some(point.repository_id),
            instance_id: Some(point.instance_id),
            spec: request.spec.clone(),
            request_id: request.request_id.clone(),
        };
        Ok((restore_create(conn, new, now)?, job_create(conn, job, now)?))
    })
}

/// Turns a point to `Deleting` and makes the job that deletes it. A point that is being made,
/// restored, verified or deleted already is a `Conflict`.
pub fn point_delete_request(
    conn: &mut Connection,
    scope: &Scope,
    request: PointRequest,
    now: DateTime<Utc>,
) -> Result<(Point, Job), DbError> {
    transaction(conn, |conn| {
        let point = point_get_locked(conn, scope, request.point_id)?;
        if let Some(busy) = jobs_unfinished_for_point(conn, point.id)?.first() {
            let reason =
                format!("cannot be deleted: job {} ({}) uses it", busy.id, busy.kind.name());
            return Err(DbError::conflict(POINT, point.id, reason));
        }
        let point = point_transition(conn, &point, PointEvent::DeleteRequested, None, now)?;
        let job = job_create(conn, job_on(&point, JobKind::DeletePoint, &request), now)?;
        Ok((point, job))
    })
}

/// Makes a job that verifies a point. A point that is being made, deleted or verified already is
/// a `Conflict`.
pub fn point_verify_request(
    conn: &mut Connection,
    scope: &Scope,
    request: PointRequest,
    now: DateTime<Utc>,
) -> Result<(Point, Job), DbError> {
    transaction(conn, |conn| {
        let point = point_get_locked(conn, scope, request.point_id)?;
        if !matches!(point.state, PointState::Available | PointState::Error) {
            let reason = format!("cannot be verified: it is {}", point.state.name());
            return Err(DbError::conflict(POINT, point.id, reason));
        }
        let busy = jobs_unfinished_for_point(conn, point.id)?;
        if let Some(busy) = busy.iter().find(|job| job.kind == JobKind::VerifyPoint) {
            let reason = format!("is being verified already by job {}", busy.id);
            return Err(DbError::conflict(POINT, point.id, reason));
        }
        point_hold(conn, &point)?;
        let job = job_create(conn, job_on(&point, JobKind::VerifyPoint, &request), now)?;
        Ok((point, job))
    })
}

fn job_on(point: &Point, kind: JobKind, request: &PointRequest) -> NewJob {
    NewJob {
        id: request.job_id,
        project_id: point.project_id.clone(),
        kind,
        resource_id: point.id.0,
        repository_id: Some(point.repository_id),
        instance_id: Some(point.instance_id),
        spec: request.spec.clone(),
        request_id: request.request_id.clone(),
    }
}
