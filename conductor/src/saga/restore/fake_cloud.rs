//! A cloud for the tests of undos.

use async_trait::async_trait;
use firn_cloud::{
    Cloud, CloudError, FormerMachine, Grant, InstanceDetail, InstanceSummary, PlannedPort,
    PlannedServer, PlannedVolume, Rebuild, ServerParts, ServerPlan, VolumePlan,
};
use firn_core::{
    DiskLocation, ErrorKind, InstanceId, NewInstance, PowerState, ProjectId, RestoreId,
    VolumeTarget,
};

/// Answers as the test says.
pub(super) struct FakeCloud {
    /// What it refuses with; none: what is asked for is done.
    pub(super) refusal: Option<ErrorKind>,
    /// What the instance is; none: it is gone.
    pub(super) power: Option<PowerState>,
}

impl FakeCloud {
    fn answer<T>(&self, done: T) -> Result<T, CloudError> {
        match self.refusal {
            Some(kind) => Err(CloudError::Refused { kind, source: "so it says".into() }),
            None => Ok(done),
        }
    }
}

#[async_trait]
impl Cloud for FakeCloud {
    async fn instance_list(&self, _: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        unreachable!()
    }

    async fn instance_get(&self, _: InstanceId) -> Result<InstanceDetail, CloudError> {
        unreachable!()
    }

    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        self.power.ok_or(CloudError::NotFound { id })
    }
}

#[async_trait]
impl Rebuild for FakeCloud {
    async fn server_stop(&self, _: &str) -> Result<(), CloudError> {
        self.answer(())
    }

    async fn server_obstacle(&self, _: &str) -> Result<Option<String>, CloudError> {
        unreachable!()
    }

    async fn server_lock(&self, _: RestoreId, _: &str) -> Result<(), CloudError> {
        unreachable!()
    }

    async fn server_unlock(&self, _: RestoreId, _: &str) -> Result<(), CloudError> {
        unreachable!()
    }

    async fn server_start(&self, _: &str) -> Result<(), CloudError> {
        self.answer(())
    }

    async fn volume_attach(&self, _: RestoreId, _: &str) -> Result<DiskLocation, CloudError> {
        let description = String::new();
        self.answer(DiskLocation::Unknown { description })
    }

    async fn server_plan(
        &self,
        _: &Grant,
        _: &FormerMachine,
        _: &NewInstance,
    ) -> Result<ServerPlan, CloudError> {
        unreachable!()
    }

    async fn volume_plan(
        &self,
        _: &Grant,
        _: &FormerMachine,
        _: &VolumeTarget,
    ) -> Result<VolumePlan, CloudError> {
        unreachable!()
    }

    async fn port_make(
        &self,
        _: &Grant,
        _: RestoreId,
        _: &PlannedPort,
    ) -> Result<String, CloudError> {
        unreachable!()
    }

    async fn ports_remove(&self, _: &Grant, _: RestoreId) -> Result<(), CloudError> {
        unreachable!()
    }

    async fn volume_make(
        &self,
        _: &Grant,
        _: RestoreId,
        _: &PlannedVolume,
    ) -> Result<String, CloudError> {
        unreachable!()
    }

    async fn volumes_remove(&self, _: &Grant, _: RestoreId) -> Result<(), CloudError> {
        unreachable!()
    }

    async fn volume_detach(&self, _: RestoreId, _: &str) -> Result<(), CloudError> {
        unreachable!()
    }

    async fn server_make(
        &self,
        _: &Grant,
        _: RestoreId,
        _: &PlannedServer,
        _: &FormerMachine,
        _: &ServerParts,
    ) -> Result<String, CloudError> {
        unreachable!()
    }

    async fn server_remove(&self, _: &Grant, _: RestoreId) -> Result<(), CloudError> {
        unreachable!()
    }

    async fn grant_end(&self, _: &Grant) -> Result<(), CloudError> {
        unreachable!()
    }
}
