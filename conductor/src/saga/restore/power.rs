use async_trait::async_trait;
use serde_json::{Value, json};

use super::make::SERVER;
use super::plan::{CloudRestore, PLAN, Planned, refused};
use crate::saga::{JobContext, JobError, Step};

/// Which instance is shut off and started.
#[derive(Clone, Copy)]
pub(super) enum Power {
    /// The one that was made.
    New,
    /// The one that was backed up.
    Original,
}

impl CloudRestore {
    /// The instance's id in the cloud.
    pub(super) async fn server_id(
        &self,
        power: Power,
        context: &JobContext,
    ) -> Result<String, JobError> {
        match power {
            Power::New => context.output(SERVER),
            Power::Original => Ok(self.machine().await?.detail.instance.id.to_string()),
        }
    }
}

/// Shuts the instance off.
pub(super) struct Stop(pub(super) CloudRestore, pub(super) Power);

#[async_trait]
impl Step for Stop {
    fn name(&self) -> &'static str {
        "stop"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let id = self.0.server_id(self.1, context).await?;
        self.0.cloud.server_stop(&id).await.map_err(refused("shutting the instance off"))?;
        Ok(json!({}))
    }

    /// One that was there before the restore runs again.
    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        match self.1 {
            Power::New => Ok(()),
            Power::Original => start_again(&self.0, self.1, context).await,
        }
    }
}

/// Starts the instance again, if it ran.
pub(super) struct Start(pub(super) CloudRestore, pub(super) Power);

#[async_trait]
impl Step for Start {
    fn name(&self) -> &'static str {
        "start"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        start_again(&self.0, self.1, context).await?;
        Ok(json!({}))
    }

    /// So that its disks can be given back what they held.
    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        let id = self.0.server_id(self.1, context).await?;
        self.0.cloud.server_stop(&id).await.map_err(refused("shutting the instance off"))
    }
}

async fn start_again(
    restore: &CloudRestore,
    power: Power,
    context: &JobContext,
) -> Result<(), JobError> {
    if let Planned::Original(plan) = context.output(PLAN)?
        && !plan.ran
    {
        return Ok(());
    }
    let id = restore.server_id(power, context).await?;
    restore.cloud.server_start(&id).await.map_err(refused("starting the instance"))
}
