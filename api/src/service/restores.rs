use chrono::TimeDelta;
use firn_core::{JobId, PointId, RestoreId, RestoreTarget};
use firn_db::{Connection, DbError, Job, QuotaDemand, QuotaLimits, Restore, RestoreRequest, Scope};
use serde_json::json;

use super::now;
use crate::http::{ApiError, Call, List, Pieces, WrittenPage};
use crate::policy::FILE_RESTORE;
use crate::wire::{RestoreCreate, RestoreQuery, RestoreView};

/// How long a restore may act for its owner. Its trust is ended with it; where that could not be done,
/// or the restore was never written down, it ends by itself.
const TRUST_LIFETIME: TimeDelta = TimeDelta::days(14);

impl Call {
    /// Asks for a restore. What is made in the cloud is made in the caller's name.
    pub(crate) async fn restore_create(&self, new: RestoreCreate) -> Result<RestoreView, ApiError> {
        let (point_id, dry_run) = (PointId(new.restore_point_id), new.dry_run);
        let target = new.target.target().map_err(|(field, reason)| {
            ApiError::field(format!("restore.target.{field}"), reason)
        })?;
        self.target_check(&target, dry_run)?;
        // What may not be seen is not found, before anything is done for it.
        let scope = self.scope();
        let seen = scope.clone();
        self.query(move |conn| firn_db::point_get(conn, &seen, point_id)).await?;
        let trust_id = match &target {
            RestoreTarget::NewInstance(_) | RestoreTarget::Volume(_) => {
                self.entrust(Some(TRUST_LIFETIME)).await?
            }
            RestoreTarget::File { .. } | RestoreTarget::Original => None,
        };
        let caller = &self.caller.principal;
        let spec = json!({
            "dry_run": dry_run,
            "grant": {
                "trust_id": trust_id,
                "project_id": caller.project_id,
                "user_id": caller.user_id,
            },
        });
        let request = RestoreRequest {
            restore_id: RestoreId::new(),
            job_id: JobId::new(),
            point_id,
            target,
            spec,
            request_id: self.caller.request_ids.to_send_on(),
        };
        let quotas = self.service.config.quotas;
        let started = self.query(move |conn| restore_start(conn, &scope, &request, &quotas)).await;
        let (restore, job) = match started {
            Ok(started) => started,
            Err(error) => {
                self.end_trust(trust_id.as_deref()).await;
                return Err(error);
            }
        };
        self.wake(job.id).await;
        Ok(self.linked_restore(restore))
    }

    fn target_check(&self, target: &RestoreTarget, dry_run: bool) -> Result<(), ApiError> {
        match target {
            RestoreTarget::File { .. } => {
                self.demand_rule(FILE_RESTORE)?;
                match dry_run {
                    true => Err(ApiError::field(
                        "restore.dry_run",
                        "is for targets in the cloud: a restore to files changes nothing there",
                    )),
                    false => Ok(()),
                }
            }
            RestoreTarget::NewInstance(_) | RestoreTarget::Original | RestoreTarget::Volume(_) => {
                Ok(())
            }
        }
    }

    /// A page of restores.
    pub(crate) async fn restore_list(self, list: List<RestoreQuery>) -> Result<Pieces, ApiError> {
        let page = self.page(&list, RestoreId)?;
        let (scope, filter) = (self.list_scope(&list)?, list.filters.filter());
        let written = WrittenPage::new("restores", list.fields, page.limit);
        self.written_page(written, move |call, conn, written| {
            for restore in firn_db::restore_list(conn, &scope, &filter, &page)? {
                written.row(restore.id.0, || call.linked_restore(restore));
            }
            Ok(())
        })
        .await
    }

    /// One restore.
    pub(crate) async fn restore_show(&self, id: RestoreId) -> Result<RestoreView, ApiError> {
        let scope = self.scope();
        let restore = self.query(move |conn| firn_db::restore_get(conn, &scope, id)).await?;
        Ok(self.linked_restore(restore))
    }

    fn linked_restore(&self, restore: Restore) -> RestoreView {
        let links = self.self_links(&format!("/v1/restores/{}", restore.id));
        RestoreView { links, ..restore.into() }
    }
}

/// Makes the rows of a restore, unless its target is another's.
fn restore_start(
    conn: &mut Connection,
    scope: &Scope,
    request: &RestoreRequest,
    quotas: &QuotaLimits,
) -> Result<(Restore, Job), DbError> {
    firn_db::transaction(conn, |conn| {
        firn_db::transaction_lock(conn, "restore-target")?;
        // The point first: what may not be seen must not be told apart by the target either.
        let point = firn_db::point_get(conn, scope, request.point_id)?;
        if let RestoreTarget::File { name } = &request.target
            && firn_db::restore_target_taken(conn, &request.target)?
        {
            return Err(DbError::Conflict {
                resource: "the target name",
                id: name.to_string(),
                reason: "is taken by another restore: choose another".to_owned(),
            });
        }
        let project = request.project_id(&point);
        firn_db::quota_reserve(conn, &project, &QuotaDemand::job(), quotas)?;
        firn_db::restore_request_create(conn, scope, request.clone(), now())
    })
}
