use std::collections::BTreeSet;

use firn_core::plan::{PlanEvent, PlanPatch, PlanSettings, Selector};
use firn_core::{InstanceId, PlanId, PlanRunId, ProjectId};
use firn_db::{NewPlan, PlanRow};
use uuid::Uuid;

use super::delegation::refused;
use super::now;
use crate::http::{ApiError, Call, ETag, IfMatch, List, Listed, Pieces, WrittenPage};
use crate::wire::{PlanActionBody, PlanQuery, PlanView, RunQuery, RunView, plain};

impl Call {
    /// Makes a plan that runs in the caller's name.
    pub(crate) async fn plan_create(&self, settings: PlanSettings) -> Result<PlanView, ApiError> {
        let project_id = self.caller.principal.project_id.clone();
        self.plan_check(&settings, &project_id).await?;
        let trust_id = self.entrust(None).await?;
        let new = NewPlan {
            id: PlanId::new(),
            project_id,
            user_id: self.caller.principal.user_id.clone(),
            trust_id: trust_id.clone(),
            settings,
        };
        match self.query(move |conn| firn_db::plan_create(conn, new, now())).await {
            Ok(row) => Ok(self.linked_plan(row)),
            Err(error) => {
                self.end_trust(trust_id.as_deref()).await;
                Err(error)
            }
        }
    }

    /// A page of plans.
    pub(crate) async fn plan_list(self, list: List<PlanQuery>) -> Result<Pieces, ApiError> {
        let page = self.page(&list, PlanId)?;
        let (scope, filter) = (self.list_scope(&list)?, list.filters.filter());
        let written = WrittenPage::new("plans", list.fields, page.limit);
        self.written_page(written, move |call, conn, written| {
            for row in firn_db::plan_list(conn, &scope, &filter, &page)? {
                written.row(row.plan.id.0, || call.linked_plan(row));
            }
            Ok(())
        })
        .await
    }

    /// One plan.
    pub(crate) async fn plan_show(&self, id: PlanId) -> Result<PlanView, ApiError> {
        Ok(self.linked_plan(self.plan_find(id).await?))
    }

    /// Changes a plan, if it is still as the caller saw it.
    pub(crate) async fn plan_update(
        &self,
        id: PlanId,
        patch: PlanPatch,
        only: &IfMatch,
    ) -> Result<PlanView, ApiError> {
        let before = self.plan_seen(id, only).await?;
        let settings = patch.clone().apply(before.plan.settings.clone());
        if settings == before.plan.settings {
            return Ok(self.linked_plan(before));
        }
        self.plan_check(&settings, &before.plan.project_id).await?;
        let row = self.query(move |conn| firn_db::plan_update(conn, &before, patch, now())).await?;
        Ok(self.linked_plan(row))
    }

    /// Removes a plan, if it is still as the caller saw it, and what it ran under. Its points
    /// stay.
    pub(crate) async fn plan_delete(&self, id: PlanId, only: &IfMatch) -> Result<(), ApiError> {
        let before = self.plan_seen(id, only).await?;
        // Nothing changes a paused plan but its owner, who sees what is being done: the scheduler
        // would, between the end of the trust and that of the plan.
        let event = PlanEvent::Pause;
        let paused = self
            .query(move |conn| {
                firn_db::plan_transition(conn, &before, event, Some("being deleted"), now())
            })
            .await?;
        // First: a plan without its trust can be deleted again, a trust without its plan would be
        // forgotten.
        if let Some(trust) = &paused.trust_id {
            let ended = self.service.delegation.revoke(trust, &self.caller.credentials);
            ended.await.map_err(refused)?;
        }
        self.query(move |conn| firn_db::plan_delete(conn, &paused)).await
    }

    /// Runs, pauses or resumes a plan.
    pub(crate) async fn plan_action(
        &self,
        id: PlanId,
        action: PlanActionBody,
    ) -> Result<PlanView, ApiError> {
        let before = self.plan_find(id).await?;
        let row = match action {
            PlanActionBody::Run(_) => self.plan_run(before).await?,
            PlanActionBody::Pause(options) => {
                let reason = options.reason.map(|reason| reason.0);
                let event = PlanEvent::Pause;
                self.query(move |conn| {
                    firn_db::plan_transition(conn, &before, event, reason.as_deref(), now())
                })
                .await?
            }
            PlanActionBody::Resume(_) => self.plan_resume(before).await?,
        };
        Ok(self.linked_plan(row))
    }

    async fn plan_run(&self, plan: PlanRow) -> Result<PlanRow, ApiError> {
        let (request_id, scope) = (self.caller.request_ids.to_send_on(), self.scope());
        self.query(move |conn| {
            firn_db::transaction(conn, |conn| {
                let run = PlanRunId::new();
                firn_db::plan_run_request(conn, &plan, run, &request_id, now())?;
                firn_db::plan_get(conn, &scope, plan.plan.id)
            })
        })
        .await
    }

    /// From here on it runs in the name of who resumes it: the trust it had may have ended with its
    /// user, and that is mended so. From another project nobody can be entrusted with this one.
    async fn plan_resume(&self, before: PlanRow) -> Result<PlanRow, ApiError> {
        let caller = &self.caller.principal;
        if caller.project_id != before.plan.project_id {
            let event = PlanEvent::Resume;
            return self
                .query(move |conn| firn_db::plan_transition(conn, &before, event, None, now()))
                .await;
        }
        let (user, old) = (caller.user_id.clone(), before.trust_id.clone());
        let trust = self.entrust(None).await?;
        let given = trust.clone();
        let resumed = self.query(move |conn| {
            firn_db::transaction(conn, |conn| {
                let row = firn_db::plan_transition(conn, &before, PlanEvent::Resume, None, now())?;
                firn_db::plan_set_trust(conn, &row, &user, given.as_deref(), now())
            })
        });
        let resumed = resumed.await;
        self.end_trust(if resumed.is_ok() { old } else { trust }.as_deref()).await;
        resumed
    }

    /// A page of a plan's runs, newest first.
    pub(crate) async fn plan_runs(
        &self,
        id: PlanId,
        query: RunQuery,
    ) -> Result<Listed<RunView>, ApiError> {
        if query.limit == Some(0) {
            return Err(ApiError::field("limit", "must be at least 1"));
        }
        self.plan_find(id).await?;
        let (limit, scope) = (self.read_limit(query.limit), self.scope());
        let marker = query.marker.map(PlanRunId);
        let runs = self
            .query(move |conn| {
                let before = match marker {
                    Some(run) => match firn_db::plan_run_get(conn, &scope, run) {
                        Ok(run) if run.plan_id == id => Some(run.scheduled_at),
                        Ok(_) | Err(firn_db::DbError::NotFound { .. }) => return Ok(None),
                        Err(error) => return Err(error),
                    },
                    None => None,
                };
                firn_db::plan_run_list(conn, &scope, id, before, limit).map(Some)
            })
            .await?;
        let runs = runs.ok_or_else(|| ApiError::field("marker", "no run of this plan has it"))?;
        let listed = Listed::new(self, runs, limit, |run| run.id.to_string());
        Ok(listed.map(RunView::from))
    }

    /// A plan that the caller may know of, and that the rule allows this for.
    async fn plan_find(&self, id: PlanId) -> Result<PlanRow, ApiError> {
        let scope = self.scope();
        let row = self.query(move |conn| firn_db::plan_get(conn, &scope, id)).await?;
        self.demand(&row.plan.project_id, &row.plan.user_id, || ApiError::not_found("plan", id))?;
        Ok(row)
    }

    async fn plan_seen(&self, id: PlanId, only: &IfMatch) -> Result<PlanRow, ApiError> {
        let row = self.plan_find(id).await?;
        match only.holds(&ETag::new(row.revision)) {
            true => Ok(row),
            false => Err(ApiError::Changed { what: "the plan" }),
        }
    }

    /// Whether there can be such a plan in the project.
    async fn plan_check(
        &self,
        settings: &PlanSettings,
        project: &ProjectId,
    ) -> Result<(), ApiError> {
        settings
            .validate()
            .map_err(|error| ApiError::field(format!("plan.{}", error.field), error.message))?;
        let texts =
            [("name", Some(&settings.name)), ("description", settings.description.as_ref())];
        for (name, text) in texts {
            if let Some(Err(reason)) = text.map(|text| plain(text)) {
                return Err(ApiError::field(format!("plan.{name}"), reason));
            }
        }
        if let Some(id) = settings.repository_id {
            self.query(move |conn| firn_db::repository_get(conn, id)).await?;
        }
        match &settings.instances {
            Selector::Ids(ids) => self.instances_check(ids, project).await,
            _ => Ok(()),
        }
    }

    /// Whether these are all instances of the project.
    async fn instances_check(
        &self,
        ids: &BTreeSet<InstanceId>,
        project: &ProjectId,
    ) -> Result<(), ApiError> {
        let there = self.instances_of(Some(project)).await?;
        let there: BTreeSet<Uuid> = there.into_iter().map(|instance| instance.id).collect();
        match ids.iter().find(|id| !there.contains(&id.0)) {
            Some(id) => Err(ApiError::not_found("instance", id)),
            None => Ok(()),
        }
    }

    fn linked_plan(&self, row: PlanRow) -> PlanView {
        let links = self.self_links(&format!("/v1/plans/{}", row.plan.id));
        PlanView { links, ..row.into() }
    }
}
