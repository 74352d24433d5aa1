//! Instances as the agents of the hypervisors tell of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use firn_agent::Domain;
use firn_agent::rpc::{
    CEPH_LIST, CephCluster, CephListed, DOMAIN_LIST, DOMAIN_SHOW, DomainShow, DomainShown,
    DomainsListed, INSTANCE_FREEZE, INSTANCE_THAW, InstanceFreeze, InstanceFrozen, InstanceThaw,
    InstanceThawed, VERSION, target,
};
use firn_cloud::openstack::Hypervisors;
use firn_cloud::{Cloud, CloudError, Freeze, Guests, InstanceDetail, InstanceSummary};
use firn_core::{InstanceId, JobId, PowerState, ProjectId, chain};
use firn_db::{Database, ServiceKind, ServiceState};
use futures_util::future::join_all;
use oslo_messaging::{Envelope, MessagingError, Schema, Transport};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// How long an agent may take for one answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a guest may be frozen as far as conductors are concerned; its agent's options say less.
const HOLD_SECONDS: u64 = 600;

/// The agents that are up, together, as a cloud. The database says which there are.
///
/// A host whose agent is down has no instances here: what runs on it cannot be read either.
pub struct AgentCloud {
    database: Database,
    transport: Arc<dyn Transport>,
    down_after: TimeDelta,
    /// Where an instance was found last.
    found: Mutex<HashMap<InstanceId, String>>,
}

impl AgentCloud {
    /// The agents of this database, asked over this transport. One that was silent for
    /// `down_after` is not asked.
    pub fn new(database: Database, transport: Arc<dyn Transport>, down_after: Duration) -> Self {
        let down_after = TimeDelta::from_std(down_after).unwrap_or(TimeDelta::MAX);
        Self { database, transport, down_after, found: Mutex::default() }
    }

    /// The Ceph clusters that the hosts use, once for each host that does. An agent that does not
    /// answer is passed over.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn ceph_clusters(&self) -> Result<Vec<CephCluster>, CloudError> {
        let hosts = self.hosts().await?;
        let asked = hosts.iter().map(|host| self.ask(host, CEPH_LIST, json!({})));
        let mut clusters = Vec::new();
        for (host, answer) in hosts.iter().zip(join_all(asked).await) {
            match answer {
                Ok(CephListed { clusters: told }) => clusters.extend(told),
                // An agent from before this question.
                Err(error) if error.code() == Some("unsupported") => {}
                Err(error) => {
                    tracing::warn!(host, error = chain(&error), "agent not asked");
                }
            }
        }
        Ok(clusters)
    }

    async fn hosts(&self) -> Result<Vec<String>, CloudError> {
        let services = self.database.run(firn_db::service_list).await;
        let services = services.map_err(|error| CloudError::Unavailable {
            service: "the database".to_owned(),
            source: Some(Box::new(error)),
        })?;
        let now = Utc::now();
        let up = services.into_iter().filter(|service| {
            service.kind == ServiceKind::Agent
                && service.state(now, self.down_after) == ServiceState::Up
        });
        Ok(up.map(|service| service.host).collect())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        host: &str,
        method: &str,
        arguments: impl Serialize,
    ) -> Result<T, Asked> {
        let schema = Schema { name: method.to_owned(), version: VERSION };
        let request_id = crate::request::current().unwrap_or_default();
        let question = Envelope::new(&schema, request_id, json!(arguments));
        let answer = self.transport.call(&target(host), question, DEADLINE).await?;
        serde_json::from_value(answer.body).map_err(|source| Asked::Nonsense { source })
    }

    /// What an agent says of an instance, and on which host.
    async fn shown(&self, id: InstanceId) -> Result<(String, DomainShown), CloudError> {
        let known = self.found.lock().get(&id).cloned();
        if let Some(host) = known
            && let Ok(shown) = self.ask(&host, DOMAIN_SHOW, DomainShow { id }).await
        {
            return Ok((host, shown));
        }
        let hosts = self.hosts().await?;
        let asked = hosts.iter().map(|host| self.ask(host, DOMAIN_SHOW, DomainShow { id }));
        let mut failure = None;
        for (host, answer) in hosts.iter().zip(join_all(asked).await) {
            match answer {
                Ok(shown) => {
                    self.found.lock().insert(id, host.clone());
                    return Ok((host.clone(), shown));
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => failure = Some((host, error)),
            }
        }
        self.found.lock().remove(&id);
        Err(match failure {
            None => CloudError::NotFound { id },
            Some((host, error)) => error.into_cloud(host, id),
        })
    }
}

/// Why an agent's answer is none.
#[derive(Debug, thiserror::Error)]
enum Asked {
    #[error("asking an agent failed")]
    Messaging {
        #[from]
        source: MessagingError,
    },
    #[error("an agent's answer makes no sense: upgrade it or this conductor")]
    Nonsense {
        #[source]
        source: serde_json::Error,
    },
}

impl Asked {
    fn code(&self) -> Option<&str> {
        match self {
            Self::Messaging { source } => source.remote().map(|remote| remote.code.as_str()),
            Self::Nonsense { .. } => None,
        }
    }

    fn is_not_found(&self) -> bool {
        self.code() == Some("not_found")
    }

    fn into_cloud(self, host: &str, id: InstanceId) -> CloudError {
        match self.code() {
            Some("not_found") => CloudError::NotFound { id },
            Some("invalid_input" | "conflict") => {
                CloudError::InvalidInput { id, source: Box::new(self) }
            }
            _ => CloudError::Unavailable {
                service: format!("the agent on {host}"),
                source: Some(Box::new(self)),
            },
        }
    }
}

#[async_trait]
impl Cloud for AgentCloud {
    async fn instance_list(&self, project: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        let mut instances = self.instance_list_all().await?;
        instances.retain(|instance| instance.project_id == *project);
        Ok(instances)
    }

    async fn instance_list_all(&self) -> Result<Vec<InstanceSummary>, CloudError> {
        let hosts = self.hosts().await?;
        let asked = hosts.iter().map(|host| self.ask(host, DOMAIN_LIST, json!({})));
        let mut instances = Vec::new();
        for (host, answer) in hosts.iter().zip(join_all(asked).await) {
            let listed: DomainsListed = match answer {
                Ok(listed) => listed,
                Err(error) => {
                    tracing::warn!(host, error = chain(&error), "agent not asked");
                    continue;
                }
            };
            let mut found = self.found.lock();
            for domain in listed.domains {
                found.insert(domain.id, host.clone());
                instances.push(InstanceSummary {
                    id: domain.id,
                    name: domain.name,
                    project_id: domain.project_id,
                    power_state: domain.power_state,
                    metadata: None,
                });
            }
        }
        instances.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(instances)
    }

    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        let (host, shown) = self.shown(id).await?;
        detail(id, host, &shown)
    }

    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        Ok(self.shown(id).await?.1.power_state)
    }
}

#[async_trait]
impl Hypervisors for AgentCloud {
    async fn domain(&self, host: &str, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        let shown = self.ask(host, DOMAIN_SHOW, DomainShow { id }).await;
        let shown = shown.map_err(|error| error.into_cloud(host, id))?;
        detail(id, host.to_owned(), &shown)
    }
}

#[async_trait]
impl Guests for AgentCloud {
    async fn freeze(&self, host: &str, id: InstanceId, job: JobId) -> Result<Freeze, CloudError> {
        let asked = InstanceFreeze { instance_id: id, job_id: job, hold_seconds: HOLD_SECONDS };
        let frozen = self.ask(host, INSTANCE_FREEZE, asked).await;
        Ok(match frozen.map_err(|error| error.into_cloud(host, id))? {
            InstanceFrozen::Frozen { .. } => Freeze::Frozen,
            InstanceFrozen::Refused { message, .. } => Freeze::Refused { reason: message },
        })
    }

    async fn thaw(&self, host: &str, id: InstanceId, job: JobId) -> Result<bool, CloudError> {
        let asked = InstanceThaw { instance_id: id, job_id: job };
        let thawed: Result<InstanceThawed, _> = self.ask(host, INSTANCE_THAW, asked).await;
        Ok(thawed.map_err(|error| error.into_cloud(host, id))?.held)
    }
}

/// What a hypervisor says is untrusted input here as it is there.
fn detail(id: InstanceId, host: String, shown: &DomainShown) -> Result<InstanceDetail, CloudError> {
    let domain = Domain::parse(shown.xml.as_bytes())
        .map_err(|error| CloudError::InvalidInput { id, source: Box::new(error) })?;
    if domain.id != id {
        let error = format!("the agent sent the domain {} instead", domain.id);
        return Err(CloudError::InvalidInput { id, source: error.into() });
    }
    let instance = domain.instance(shown.power_state);
    Ok(InstanceDetail { instance, machine: domain.machine, host: Some(host) })
}

#[cfg(test)]
#[path = "agents_tests.rs"]
mod tests;
