use async_trait::async_trait;
use firn_core::{InstanceId, PowerState, ProjectId};

use crate::{CloudError, InstanceDetail, InstanceSummary};

/// A cloud, as far as backups need one.
///
/// Requests carry no caller: who may ask is decided before, by comparing the project of the
/// answer ([`firn_core::Instance::project_id`]) with the caller's.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// The instances of one project, ordered by name, then id. A project that does not exist has
    /// none.
    ///
    /// # Errors
    /// [`CloudError::Unavailable`] when the cloud does not answer.
    async fn instance_list(&self, project: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError>;

    /// The instances of all projects, ordered by name, then id: for administrators.
    ///
    /// # Errors
    /// [`CloudError::Unavailable`] when the cloud does not answer, and where it keeps no such list.
    async fn instance_list_all(&self) -> Result<Vec<InstanceSummary>, CloudError> {
        let service = "a list of the instances of all projects".to_owned();
        Err(CloudError::Unavailable { service, source: None })
    }

    /// One instance with its disks and its machine identity.
    ///
    /// # Errors
    /// [`CloudError::NotFound`] for an unknown id, [`CloudError::InvalidInput`] when the cloud
    /// describes the instance in a way that cannot be trusted, [`CloudError::Conflict`] when its
    /// parts do not agree on it now, and [`CloudError::Unavailable`].
    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError>;

    /// Whether the instance runs now. Cheaper than [`Cloud::instance_get`].
    ///
    /// # Errors
    /// [`CloudError::NotFound`], [`CloudError::InvalidInput`] and [`CloudError::Unavailable`].
    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError>;

    /// The instances, of all projects, whose disks the cloud is about to remove: because they are being
    /// deleted, or built anew. None where the cloud does not tell.
    ///
    /// # Errors
    /// [`CloudError::Unavailable`].
    async fn instances_losing_disks(&self) -> Result<Vec<InstanceId>, CloudError> {
        Ok(Vec::new())
    }
}
