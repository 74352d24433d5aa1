mod identity;
mod join;
mod services;

use std::sync::Arc;

use async_trait::async_trait;
use firn_core::{ErrorKind, InstanceId, PowerState, ProjectId};
use futures_util::future::try_join_all;

pub use join::JoinError;
pub use services::{Services, ServicesOptions};

use super::OpenStackError;
use super::compute::Server;
use crate::{Cloud, CloudError, InstanceDetail, InstanceSummary};

/// What hypervisors tell of the instances that run on them.
#[async_trait]
pub trait Hypervisors: Send + Sync {
    /// An instance on the host that Nova calls so, as its domain XML describes it. Answers within
    /// a deadline.
    ///
    /// # Errors
    /// [`CloudError::NotFound`] where that host has no such domain,
    /// [`CloudError::InvalidInput`] for a domain XML that cannot be understood, and
    /// [`CloudError::Unavailable`] where nobody on that host answers.
    async fn domain(&self, host: &str, id: InstanceId) -> Result<InstanceDetail, CloudError>;
}

/// An OpenStack. Nova says which instances there are and whose, the hypervisor that runs one where
/// its disks lie, and Cinder what its volumes are; they must agree.
///
/// The session behind the services needs the role admin.
pub struct OpenStackCloud {
    services: Services,
    hypervisors: Arc<dyn Hypervisors>,
}

impl OpenStackCloud {
    /// The cloud of these services and hypervisors.
    pub fn new(services: Services, hypervisors: Arc<dyn Hypervisors>) -> Self {
        Self { services, hypervisors }
    }

    async fn servers(
        &self,
        project: Option<&ProjectId>,
    ) -> Result<Vec<InstanceSummary>, CloudError> {
        let servers = self.services.compute.server_list(project).await.map_err(of_list)?;
        let mut instances = servers.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
        instances.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(instances)
    }

    async fn server(&self, id: InstanceId) -> Result<Server, CloudError> {
        match self.services.compute.server_get(&id.to_string()).await {
            // Nova shows it so for the moment before it knows it no more.
            Ok(server) if server.status == "DELETED" => Err(CloudError::NotFound { id }),
            Ok(server) => Ok(server),
            Err(OpenStackError::NotFound(_)) => Err(CloudError::NotFound { id }),
            Err(error) => Err(of_instance(id, error)),
        }
    }

    async fn domain(&self, id: InstanceId, server: &Server) -> Result<InstanceDetail, CloudError> {
        let conflict = |reason: JoinError| CloudError::Conflict { id, source: Box::new(reason) };
        let nowhere = || JoinError::Nowhere { state: server.vm_state.clone().unwrap_or_default() };
        let host = server.host.as_deref().ok_or_else(|| conflict(nowhere()))?;
        match self.hypervisors.domain(host, id).await {
            Ok(detail) if detail.instance.id == id => Ok(detail),
            Ok(detail) => {
                let reason = JoinError::AnotherDomain { id: detail.instance.id };
                Err(CloudError::InvalidInput { id, source: Box::new(reason) })
            }
            // It moves, or somebody removed it behind Nova's back.
            Err(CloudError::NotFound { .. }) => {
                Err(conflict(JoinError::NotOnHost { host: host.to_owned() }))
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Cloud for OpenStackCloud {
    async fn instance_list(&self, project: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        self.servers(Some(project)).await
    }

    async fn instance_list_all(&self) -> Result<Vec<InstanceSummary>, CloudError> {
        self.servers(None).await
    }

    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        let server = self.server(id).await?;
        let Services { compute, block_storage, .. } = &self.services;
        let attached = async {
            let attached = compute.volume_attachments(&server.id).await?;
            let volumes = attached.iter().map(|one| block_storage.volume_get(&one.volume_id));
            let volumes = try_join_all(volumes).await?;
            Ok((attached, volumes))
        };
        let attached = async { attached.await.map_err(|error| of_instance(id, error)) };
        let ((attached, volumes), mut detail) =
            tokio::try_join!(attached, self.domain(id, &server))?;

        let disks = join::disks(&server, &attached, &volumes, detail.instance.disks)
            .map_err(|error| error.into_cloud(id))?;
        detail.instance.disks = disks;
        let identity =
            identity::read(&self.services, &server, &attached, &volumes, &detail.machine).await;
        detail.machine.openstack = Some(identity.map_err(|error| of_instance(id, error))?);
        detail.machine.metadata.extend(server.metadata.clone());
        // The host knows better than what Nova saw up to ten minutes ago.
        if detail.instance.power_state == PowerState::Unknown || server.is_suspended() {
            detail.instance.power_state = server.power_state();
        }
        detail.instance.name = server.name;
        detail.instance.project_id = ProjectId(server.project_id);
        Ok(detail)
    }

    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        Ok(self.server(id).await?.power_state())
    }

    async fn instances_losing_disks(&self) -> Result<Vec<InstanceId>, CloudError> {
        let ids = self.services.compute.servers_losing_disks().await.map_err(of_list)?;
        ids.iter().map(|id| parse(id)).collect()
    }
}

fn summary(server: &Server) -> Result<InstanceSummary, CloudError> {
    Ok(InstanceSummary {
        id: parse(&server.id)?,
        name: server.name.clone(),
        project_id: ProjectId(server.project_id.clone()),
        power_state: server.power_state(),
        metadata: Some(server.metadata.clone()),
    })
}

fn parse(id: &str) -> Result<InstanceId, CloudError> {
    id.parse().map_err(|error| CloudError::Internal { source: Box::new(error) })
}

fn of_list(error: OpenStackError) -> CloudError {
    match error {
        OpenStackError::Unavailable { .. } => CloudError::Unavailable {
            service: error.said().service.to_owned(),
            source: Some(Box::new(error)),
        },
        error => CloudError::Internal { source: Box::new(error) },
    }
}

/// What a service said while an instance was asked about.
fn of_instance(id: InstanceId, error: OpenStackError) -> CloudError {
    match error.kind() {
        // A volume or the server went away in between.
        ErrorKind::NotFound | ErrorKind::Conflict => {
            CloudError::Conflict { id, source: Box::new(error) }
        }
        _ => of_list(error),
    }
}
