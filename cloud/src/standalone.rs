use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firn_core::{InstanceId, PowerState, ProjectId};

use crate::{Cloud, CloudError, InstanceDetail, InstanceSummary};

/// How long one question about this machine may take. Far above what a healthy hypervisor needs,
/// and a bound for a folder on a file system that hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// The virtual machines of this host. Calls block, and come from a blocking thread.
pub trait Machines: Send + Sync + 'static {
    /// All machines that can be described, in any order.
    ///
    /// # Errors
    /// As [`Cloud::instance_list`].
    fn list(&self) -> Result<Vec<InstanceSummary>, CloudError>;

    /// One machine with its disks and identity.
    ///
    /// # Errors
    /// As [`Cloud::instance_get`].
    fn get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError>;

    /// Whether a machine runs.
    ///
    /// # Errors
    /// As [`Cloud::power_state`].
    fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError>;
}

/// A cloud of one host without any services.
///
/// There is no Keystone, so all machines belong to [`ProjectId::standalone`], also those whose
/// XML Nova made for a project of a cloud that is not there.
pub struct Standalone {
    machines: Arc<dyn Machines>,
    deadline: Duration,
}

impl Standalone {
    /// A cloud of these machines.
    pub fn new(machines: Arc<dyn Machines>) -> Self {
        Self { machines, deadline: DEADLINE }
    }

    /// The same with another deadline for each question.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Machines) -> Result<T, CloudError> + Send + 'static,
    ) -> Result<T, CloudError> {
        let machines = Arc::clone(&self.machines);
        let task = tokio::task::spawn_blocking(move || question(machines.as_ref()));
        match tokio::time::timeout(self.deadline, task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panicked)) => Err(CloudError::Internal { source: Box::new(panicked) }),
            // The thread stays with its hung call; only the answer is given up.
            Err(elapsed) => Err(CloudError::Unavailable {
                service: "this machine's hypervisor".to_owned(),
                source: Some(Box::new(elapsed)),
            }),
        }
    }
}

#[async_trait]
impl Cloud for Standalone {
    async fn instance_list(&self, project: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        if *project != ProjectId::standalone() {
            return Ok(Vec::new());
        }
        let mut instances = self.ask(|machines| machines.list()).await?;
        for instance in &mut instances {
            instance.project_id = ProjectId::standalone();
        }
        instances.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(instances)
    }

    async fn instance_list_all(&self) -> Result<Vec<InstanceSummary>, CloudError> {
        self.instance_list(&ProjectId::standalone()).await
    }

    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        let mut detail = self.ask(move |machines| machines.get(id)).await?;
        detail.instance.project_id = ProjectId::standalone();
        Ok(detail)
    }

    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        self.ask(move |machines| machines.power_state(id)).await
    }
}
