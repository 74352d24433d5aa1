use async_trait::async_trait;
use firn_cloud::{Cloud, CloudError, Rebuild};
use firn_core::{ErrorKind, InstanceId, PowerState, chain};
use serde_json::{Value, json};

use super::make::SERVER;
use super::plan::{CloudRestore, PLAN, Planned, refused};
use crate::saga::{JobContext, JobError, Step};
use crate::worker::Watch;
use crate::worker::protocol::Level;

const STOP: &str = "stop";
const SHUTTING_OFF: &str = "shutting the instance off";
const STARTING: &str = "starting the instance";
const LOCKING: &str = "locking the instance";
const UNLOCKING: &str = "unlocking the instance";

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

    /// Lets the instance's owner have it again.
    pub(super) async fn unlock(&self, id: &str) -> Result<(), JobError> {
        self.cloud.server_unlock(self.id, id).await.map_err(refused(UNLOCKING))
    }
}

/// Shuts the instance off, and locks it first, so that its owner does not start it while its disks are
/// written: one that was there before until its restore has ended, one that was made until it is started.
pub(super) struct Stop(pub(super) CloudRestore, pub(super) Power);

#[async_trait]
impl Step for Stop {
    fn name(&self) -> &'static str {
        STOP
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let id = self.0.server_id(self.1, context).await?;
        let CloudRestore { cloud, id: restore, .. } = &self.0;
        cloud.server_lock(*restore, &id).await.map_err(refused(LOCKING))?;
        cloud.server_stop(&id).await.map_err(refused(SHUTTING_OFF))?;
        Ok(json!({}))
    }

    /// One that was there before the restore runs again.
    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        let restore = &self.0;
        if matches!(self.1, Power::New) {
            return Ok(());
        }
        let id = restore.server_id(self.1, context).await?;
        if is_to_run(context)? {
            let started = start_if_off(restore.cloud.as_ref(), &id).await;
            if let Some(why) = started.map_err(refused(STARTING))? {
                let text = format!("the instance is not started again: {}", chain(&why));
                restore.job.lease.message(Level::Warning, STOP, &text).await;
            }
        }
        restore.unlock(&id).await
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
        if is_to_run(context)? {
            let id = self.0.server_id(self.1, context).await?;
            self.0.cloud.server_start(&id).await.map_err(refused(STARTING))?;
            if matches!(self.1, Power::New) {
                self.0.unlock(&id).await?;
            }
        }
        Ok(json!({}))
    }

    /// So that its disks can be given back what they held.
    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        let CloudRestore { cloud, job, .. } = &self.0;
        let id = self.0.server_id(self.1, context).await?;
        match self.1 {
            Power::Original => {
                release_disks(cloud.as_ref(), job.services.cloud.as_ref(), &id).await
            }
            // It is removed next, whatever it does.
            Power::New => settle(cloud.server_stop(&id).await).map(drop),
        }
        .map_err(refused(SHUTTING_OFF))
    }
}

/// Whether the instance runs when the restore has ended.
fn is_to_run(context: &JobContext) -> Result<bool, JobError> {
    Ok(match context.output(PLAN)? {
        Planned::Original(plan) => plan.ran,
        Planned::Server(_) | Planned::Volume(_) => true,
    })
}

/// Starts an instance, in an undo: one that is gone, or in a state that somebody else has to end, is
/// left alone, and the answer says why. Nothing would ever come of waiting for it.
async fn start_if_off(cloud: &dyn Rebuild, id: &str) -> Result<Option<CloudError>, CloudError> {
    settle(cloud.server_start(id).await)
}

/// Makes sure that nobody has the disks of an instance open. One that is gone, suspended or shelved has
/// not, though it cannot be shut off.
async fn release_disks(
    rebuild: &dyn Rebuild,
    cloud: &dyn Cloud,
    id: &str,
) -> Result<(), CloudError> {
    let Some(why) = settle(rebuild.server_stop(id).await)? else { return Ok(()) };
    let Ok(instance) = id.parse::<InstanceId>() else { return Err(why) };
    match cloud.power_state(instance).await {
        // Paused or rescued: until that is ended, its disks cannot be written to.
        Ok(PowerState::Running) => Err(why),
        Ok(PowerState::ShutOff | PowerState::Unknown) | Err(CloudError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes apart what may pass, which stays an error, and what does not.
fn settle(done: Result<(), CloudError>) -> Result<Option<CloudError>, CloudError> {
    match done {
        Ok(()) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            Ok(Some(error))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "power_tests.rs"]
mod tests;
