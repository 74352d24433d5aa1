use chrono::{DateTime, Utc};
use firn_core::{InstanceId, JobId, PointId, ProjectId, RepositoryId};
use firn_db::{
    BackupRequest, Connection, DbError, Job, Point, PointRequest, PointUpdate, QuotaDemand,
    QuotaLimits, Scope,
};
use serde_json::{Value, json};

use super::now;
use crate::http::{ApiError, Call, ETag, IfMatch, List, Microversion, Pieces, WrittenPage};
use crate::wire::{InstanceView, PointCreate, PointPatch, PointQuery, PointView, VerifyOptions};

/// Checks a point's state and makes the job that works on it.
type PointJob =
    fn(&mut Connection, &Scope, PointRequest, DateTime<Utc>) -> Result<(Point, Job), DbError>;

impl Call {
    /// Asks for a backup.
    pub(crate) async fn point_create(&self, new: PointCreate) -> Result<PointView, ApiError> {
        let instance = self.instance_find(InstanceId(new.instance_id)).await?;
        check_protectable(&instance)?;
        let repository_id = self.repository_choose(new.repository_id.map(RepositoryId)).await?;
        let request = BackupRequest {
            point_id: PointId::new(),
            job_id: JobId::new(),
            project_id: ProjectId(instance.project_id),
            instance_id: InstanceId(instance.id),
            instance_name: instance.name,
            name: new.name.map(|name| name.0),
            description: new.description.map(|description| description.0),
            repository_id,
            mode: new.mode.into(),
            spec: json!({}),
            request_id: self.caller.request_ids.to_send_on(),
        };
        let quotas = self.service.config.quotas;
        let (point, job) = self.query(move |conn| backup_start(conn, &request, &quotas)).await?;
        self.wake(job.id).await;
        Ok(self.point_view(point, Some(job.id)))
    }

    /// A page of restore points.
    pub(crate) async fn point_list(self, list: List<PointQuery>) -> Result<Pieces, ApiError> {
        let page = self.page(&list, PointId)?;
        let (scope, filter) = (self.list_scope(&list)?, list.filters.filter());
        let written = WrittenPage::new("restore_points", list.fields, page.limit);
        self.written_page(written, move |call, conn, written| {
            firn_db::point_each(conn, &scope, &filter, &page, |point| {
                written.row(point.id.0, || call.point_view(point, None));
            })
        })
        .await
    }

    /// One restore point.
    pub(crate) async fn point_show(&self, id: PointId) -> Result<PointView, ApiError> {
        let scope = self.scope();
        let point = self.query(move |conn| firn_db::point_get(conn, &scope, id)).await?;
        Ok(self.point_view(point, None))
    }

    fn point_view(&self, point: Point, job: Option<JobId>) -> PointView {
        let mut view = PointView::new(point, job);
        if self.version < Microversion::V1_1 {
            (view.plan_id, view.pinned) = (None, None);
            return view;
        }
        view.links = self.self_links(&format!("/v1/restore-points/{}", view.id));
        view
    }

    /// Changes what an owner may change, if the point is still as the caller saw it.
    pub(crate) async fn point_update(
        &self,
        id: PointId,
        patch: PointPatch,
        only: IfMatch,
    ) -> Result<PointView, ApiError> {
        let PointPatch { name, description, pinned } = patch;
        if pinned.is_some() && self.version < Microversion::V1_1 {
            let message = "unknown field before microversion 1.1";
            return Err(ApiError::field("restore_point.pinned", message));
        }
        if name.is_none() && description.is_none() && pinned.is_none() {
            return Err(ApiError::field("restore_point", "give name or description to change"));
        }
        let update = PointUpdate {
            name: name.map(|name| name.map(|name| name.0)),
            description: description.map(|text| text.map(|text| text.0)),
        };
        let scope = self.scope();
        let changed = self
            .query(move |conn| {
                firn_db::transaction(conn, |conn| {
                    // Of two who saw the same, the second sees the first's change.
                    firn_db::transaction_lock(conn, &format!("restore-point/{id}"))?;
                    let before = firn_db::point_get(conn, &scope, id)?;
                    if !only.holds(&ETag::new(before.generation)) {
                        return Ok(None);
                    }
                    let mut point = before;
                    if update != PointUpdate::default() {
                        point = firn_db::point_update(conn, &scope, id, &update, now())?;
                    }
                    if let Some(pinned) = pinned {
                        point = firn_db::point_pin(conn, &scope, id, pinned)?;
                    }
                    Ok(Some(point))
                })
            })
            .await?;
        let point = changed.ok_or(ApiError::Changed { what: "the restore point" })?;
        Ok(self.point_view(point, None))
    }

    /// Asks to delete a restore point.
    pub(crate) async fn point_delete(&self, id: PointId) -> Result<PointView, ApiError> {
        self.point_job(id, json!({}), None, firn_db::point_delete_request).await
    }

    /// Asks to read a restore point back, all of it or a sample.
    pub(crate) async fn point_verify(
        &self,
        id: PointId,
        options: VerifyOptions,
    ) -> Result<PointView, ApiError> {
        if options.sample.is_some_and(|share| !(share > 0.0 && share <= 1.0)) {
            return Err(ApiError::field("verify.sample", "must be above 0 and at most 1"));
        }
        let spec = json!({ "sample": options.sample });
        self.point_job(id, spec, Some(QuotaDemand::job()), firn_db::point_verify_request).await
    }

    /// Makes a job that works on a point, and wakes a conductor for it.
    async fn point_job(
        &self,
        point_id: PointId,
        spec: Value,
        demand: Option<QuotaDemand>,
        make: PointJob,
    ) -> Result<PointView, ApiError> {
        let request_id = self.caller.request_ids.to_send_on();
        let request = PointRequest { job_id: JobId::new(), point_id, spec, request_id };
        let (scope, quotas) = (self.scope(), self.service.config.quotas);
        let (job_id, point) = self
            .query(move |conn| {
                firn_db::transaction(conn, |conn| {
                    if let Some(demand) = &demand {
                        let project = firn_db::point_get(conn, &scope, point_id)?.project_id;
                        firn_db::quota_reserve(conn, &project, demand, &quotas)?;
                    }
                    let (point, job) = make(conn, &scope, request.clone(), now())?;
                    Ok((job.id, point))
                })
            })
            .await?;
        self.wake(job_id).await;
        Ok(self.point_view(point, Some(job_id)))
    }
}

fn check_protectable(instance: &InstanceView) -> Result<(), ApiError> {
    if instance.disks.iter().any(|disk| disk.protected) {
        return Ok(());
    }
    let message = format!("instance {} has no disk that can be backed up", instance.id);
    Err(ApiError::conflict(message))
}

/// Makes the rows of a backup, unless one of the same instance is under way.
fn backup_start(
    conn: &mut Connection,
    request: &BackupRequest,
    quotas: &QuotaLimits,
) -> Result<(Point, Job), DbError> {
    firn_db::transaction(conn, |conn| {
        let running = firn_db::backup_under_way(conn, &request.project_id, request.instance_id)?;
        if let Some(job) = running {
            return Err(DbError::Conflict {
                resource: "instance",
                id: request.instance_id.to_string(),
                reason: format!("is being backed up already by job {job}"),
            });
        }
        let demand = QuotaDemand::backup(request.instance_id);
        firn_db::quota_reserve(conn, &request.project_id, &demand, quotas)?;
        firn_db::backup_request_create(conn, request.clone(), now())
    })
}
