use firn_core::{ErrorKind, ProjectId};

use super::now;
use crate::http::{ApiError, Call, Listed, is_project_id};
use crate::wire::{LimitsView, QuotaUpdate, QuotaView, UsageQuery, UsageView};

impl Call {
    /// What a project may have, and what it has of it.
    pub(crate) async fn quota_show(&self, project: ProjectId) -> Result<QuotaView, ApiError> {
        self.quota_demand(&project)?;
        let defaults = self.service.config.quotas;
        self.query(move |conn| {
            let limits = firn_db::quota_get(conn, &project, &defaults)?;
            let usage = firn_db::usage_get(conn, &project)?;
            let (limits, in_use) = (limits.into(), usage.into());
            Ok(QuotaView { project_id: project.0, limits, in_use })
        })
        .await
    }

    /// What a project may have that has no limits of its own.
    pub(crate) fn quota_defaults(&self, project: &ProjectId) -> Result<LimitsView, ApiError> {
        self.quota_demand(project)?;
        Ok(self.service.config.quotas.into())
    }

    /// Gives a project limits of its own.
    pub(crate) async fn quota_update(
        &self,
        project: ProjectId,
        update: QuotaUpdate,
    ) -> Result<QuotaView, ApiError> {
        self.quota_demand(&project)?;
        let limits = update.limits();
        if limits.is_empty() {
            return Err(ApiError::field("quota", "give at least one limit"));
        }
        let of = project.clone();
        self.query(move |conn| firn_db::quotas_set(conn, &of, &limits, now())).await?;
        self.quota_show(project).await
    }

    /// Takes a project's own limits away: the defaults count again.
    pub(crate) async fn quota_delete(&self, project: ProjectId) -> Result<(), ApiError> {
        self.quota_demand(&project)?;
        self.query(move |conn| firn_db::quota_reset(conn, &project)).await
    }

    /// What the own project has, or what each project has.
    pub(crate) async fn usage_list(
        &self,
        query: UsageQuery,
    ) -> Result<Listed<UsageView>, ApiError> {
        if query.limit == Some(0) {
            return Err(ApiError::field("limit", "must be at least 1"));
        }
        if !query.all_projects {
            if query.marker.is_some() {
                return Err(ApiError::field("marker", "needs all_projects=true"));
            }
            let project = self.project().clone();
            let of = project.clone();
            let usage = self.query(move |conn| firn_db::usage_get(conn, &of)).await?;
            return Ok(Listed::whole(vec![UsageView::new(project.0, usage)]));
        }
        if !self.everywhere() {
            let message = "all_projects is for administrators".to_owned();
            return Err(ApiError::Refused { kind: ErrorKind::Forbidden, message });
        }
        let marker = query.marker.map(ProjectId);
        if marker.as_ref().is_some_and(|project| !is_project_id(&project.0)) {
            return Err(ApiError::field("marker", "is no id of a project"));
        }
        let limit = self.read_limit(query.limit);
        let rows =
            self.query(move |conn| firn_db::usage_list(conn, marker.as_ref(), limit)).await?;
        let listed = Listed::new(self, rows, limit, |(project, _)| project.0.clone());
        Ok(listed.map(|(project, usage)| UsageView::new(project.0, usage)))
    }

    /// Another project's quotas are as unknown as those of a project that there is not.
    fn quota_demand(&self, project: &ProjectId) -> Result<(), ApiError> {
        let user = &self.caller.principal.user_id;
        self.demand(project, user, || ApiError::not_found("project", project))
    }
}
