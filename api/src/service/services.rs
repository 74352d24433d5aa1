use std::cmp::Ordering;

use chrono::TimeDelta;
use firn_db::{DbError, Service};
use uuid::Uuid;

use super::now;
use crate::http::{ApiError, Call, List, Listed};
use crate::metrics::Stock;
use crate::wire::{
    AgentQuery, ServiceKind, ServicePatch, ServiceQuery, ServiceSortKey, ServiceState, ServiceView,
};

/// What is kept where an operator disables a service and says no more.
const NO_REASON: &str = "no reason was given";

impl Call {
    /// A page of services with their states.
    pub(crate) async fn service_list(
        &self,
        list: &List<ServiceQuery>,
    ) -> Result<Listed<ServiceView>, ApiError> {
        let ServiceQuery { kind, host, state, disabled } = &list.filters;
        let mut services = self.services().await?;
        services.retain(|service| {
            kind.is_none_or(|kind| kind == service.kind)
                && host.as_ref().is_none_or(|host| host.0 == service.host)
                && state.is_none_or(|state| state == service.state)
                && disabled.is_none_or(|disabled| disabled == service.disabled)
        });
        let listed = self.page_of(list, services, |service| service.id, compare)?;
        Ok(listed.map(|service| self.linked_service(service)))
    }

    /// A page of agents with their states.
    pub(crate) async fn agent_list(
        &self,
        list: &List<AgentQuery>,
    ) -> Result<Listed<ServiceView>, ApiError> {
        let AgentQuery { host, state, disabled } = &list.filters;
        let mut agents = self.services().await?;
        agents.retain(|agent| {
            agent.kind == ServiceKind::Agent
                && host.as_ref().is_none_or(|host| host.0 == agent.host)
                && state.is_none_or(|state| state == agent.state)
                && disabled.is_none_or(|disabled| disabled == agent.disabled)
        });
        let listed = self.page_of(list, agents, |agent| agent.id, compare)?;
        Ok(listed.map(|agent| self.linked_service(agent)))
    }

    /// One service.
    pub(crate) async fn service_show(&self, id: Uuid) -> Result<ServiceView, ApiError> {
        let service = self.services().await?.into_iter().find(|service| service.id == id);
        let service = service.ok_or_else(|| ApiError::not_found("service", id))?;
        Ok(self.linked_service(service))
    }

    /// One agent.
    pub(crate) async fn agent_show(&self, id: Uuid) -> Result<ServiceView, ApiError> {
        let agents = self.services().await?;
        let agent =
            agents.into_iter().find(|agent| agent.id == id && agent.kind == ServiceKind::Agent);
        let agent = agent.ok_or_else(|| ApiError::not_found("agent", id))?;
        Ok(self.linked_service(agent))
    }

    /// Lets a service take new work, or not.
    pub(crate) async fn service_update(
        &self,
        id: Uuid,
        patch: ServicePatch,
    ) -> Result<ServiceView, ApiError> {
        let reason = patch.disabled_reason.flatten();
        if !patch.disabled && reason.is_some() {
            let message = "cannot go with \"disabled\": false";
            return Err(ApiError::field("service.disabled_reason", message));
        }
        let reason = reason.map_or_else(|| NO_REASON.to_owned(), |reason| reason.0);
        let reason = patch.disabled.then_some(reason);
        let service = self
            .query(move |conn| {
                firn_db::transaction(conn, |conn| {
                    let before = firn_db::service_get(conn, id)?;
                    if before.kind == firn_db::ServiceKind::Api && reason.is_some() {
                        let reason = "takes requests as long as it is reached: stop it, or take it \
                                      out of the load balancer";
                        return Err(DbError::Conflict {
                            resource: "service",
                            id: id.to_string(),
                            reason: reason.to_owned(),
                        });
                    }
                    firn_db::service_disable(conn, id, reason.as_deref())?;
                    firn_db::service_get(conn, id)
                })
            })
            .await?;
        Ok(self.linked_service(self.service_view(service)))
    }

    pub(super) async fn services(&self) -> Result<Vec<ServiceView>, ApiError> {
        let services = self.query(firn_db::service_list).await?;
        Ok(services.into_iter().map(|service| self.service_view(service)).collect())
    }

    fn service_view(&self, service: Service) -> ServiceView {
        let down_after =
            TimeDelta::from_std(self.service.config.service_down_after).unwrap_or(TimeDelta::MAX);
        let state = service.state(now(), down_after).into();
        ServiceView::new(service, state)
    }

    fn linked_service(&self, service: ServiceView) -> ServiceView {
        let links = self.self_links(&format!("/v1/services/{}", service.id));
        ServiceView { links, ..service }
    }

    /// The metrics in Prometheus' text format.
    pub(crate) async fn metrics_text(&self) -> Result<String, ApiError> {
        let stock = self
            .query(|conn| {
                let (jobs, points) = (firn_db::job_counts(conn)?, firn_db::point_counts(conn)?);
                Ok(Stock { jobs, points })
            })
            .await?;
        self.service.metrics.text(&stock)
    }
}

fn compare(a: &ServiceView, b: &ServiceView, key: ServiceSortKey) -> Ordering {
    match key {
        // Hosts make the order within a kind, as ids would not.
        ServiceSortKey::Kind => (a.kind, &a.host).cmp(&(b.kind, &b.host)),
        ServiceSortKey::Host => a.host.cmp(&b.host),
        ServiceSortKey::State => rank(a.state).cmp(&rank(b.state)),
        ServiceSortKey::HeartbeatAt => a.heartbeat_at.cmp(&b.heartbeat_at),
        ServiceSortKey::StartedAt => a.started_at.cmp(&b.started_at),
    }
}

/// What is down is what an operator looks for, so it is the smallest.
const fn rank(state: ServiceState) -> u8 {
    match state {
        ServiceState::Down => 0,
        ServiceState::Up => 1,
    }
}
