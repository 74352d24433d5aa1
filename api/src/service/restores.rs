use firn_core::{JobId, PointId, RestoreId, RestoreTarget};
use firn_db::{Connection, DbError, Job, QuotaDemand, QuotaLimits, Restore, RestoreRequest, Scope};
use serde_json::json;

use super::now;
use crate::http::{ApiError, Call, List, Listed};
use crate::policy::FILE_RESTORE;
use crate::wire::{RestoreCreate, RestoreQuery, RestoreView, TargetType};

impl Call {
    /// Asks for a restore.
    pub(crate) async fn restore_create(&self, new: RestoreCreate) -> Result<RestoreView, ApiError> {
        match new.target.kind {
            TargetType::File => self.demand_rule(FILE_RESTORE)?,
        }
        let request = RestoreRequest {
            restore_id: RestoreId::new(),
            job_id: JobId::new(),
            point_id: PointId(new.restore_point_id),
            target: new.target.into(),
            spec: json!({}),
            request_id: self.caller.request_ids.to_send_on(),
        };
        let scope = self.scope();
        let quotas = self.service.config.quotas;
        let (restore, job) =
            self.query(move |conn| restore_start(conn, &scope, &request, &quotas)).await?;
        self.wake(job.id).await;
        Ok(self.linked_restore(restore))
    }

    /// A page of restores.
    pub(crate) async fn restore_list(
        &self,
        list: &List<RestoreQuery>,
    ) -> Result<Listed<RestoreView>, ApiError> {
        let page = self.page(list, RestoreId)?;
        let (scope, filter, limit) = (self.list_scope(list)?, list.filters.filter(), page.limit);
        let restores =
            self.query(move |conn| firn_db::restore_list(conn, &scope, &filter, &page)).await?;
        let listed = Listed::new(self, restores, limit, |restore| restore.id.to_string());
        Ok(listed.map(|restore| self.linked_restore(restore)))
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
        let target = request.target.clone();
        // The point first: what may not be seen must not be told apart by the target either.
        let point = firn_db::point_get(conn, scope, request.point_id)?;
        if firn_db::restore_target_taken(conn, &target)? {
            let RestoreTarget::File { name } = target;
            return Err(DbError::Conflict {
                resource: "the target name",
                id: name.to_string(),
                reason: "is taken by another restore: choose another".to_owned(),
            });
        }
        firn_db::quota_reserve(conn, &point.project_id, &QuotaDemand::job(), quotas)?;
        firn_db::restore_request_create(conn, scope, request.clone(), now())
    })
}
