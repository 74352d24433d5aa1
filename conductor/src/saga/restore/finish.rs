use std::collections::BTreeMap;

use async_trait::async_trait;
use firn_cloud::{VolumePlan, VolumeUse};
use serde::Serialize;
use serde_json::Value;

use super::make::{MadeVolumes, SERVER, VOLUMES};
use super::plan::{CloudRestore, PLAN, Planned};
use crate::saga::transfer::journaled;
use crate::saga::{JobContext, JobError, Step};

const FINISH: &str = "finish";

/// What a restore made, as the API shows it.
#[derive(Serialize)]
struct Made {
    /// The instance that was made, or restored in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<String>,
    /// Ids of volumes, by the devices of the disks that they are for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    volumes: MadeVolumes,
    /// What is other than it was.
    changes: Vec<String>,
}

/// Nobody acts for the owner any more, who has the instance for themselves again; says what was made.
pub(super) struct Finish(pub(super) CloudRestore);

#[async_trait]
impl Step for Finish {
    fn name(&self) -> &'static str {
        FINISH
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        if let Err(error) = self.0.cloud.grant_end(&self.0.grant).await {
            tracing::warn!(job_id = %context.id, %error, "the trust of a restore could not be ended");
        }
        let planned: Planned = context.output(PLAN)?;
        if self.0.dry_run {
            return journaled(&planned);
        }
        let mut volumes: MadeVolumes =
            context.output::<Option<MadeVolumes>>(VOLUMES)?.unwrap_or_default();
        let instance_id = match &planned {
            Planned::Server(_) => Some(context.output(SERVER)?),
            Planned::Original(_) => {
                let id = self.0.machine().await?.detail.instance.id.to_string();
                self.0.unlock(&id).await?;
                Some(id)
            }
            Planned::Volume(VolumePlan { volume, .. }) => {
                if let VolumeUse::Replace { id, device } = volume {
                    volumes.insert(device.clone(), id.clone());
                }
                None
            }
        };
        journaled(&Made { instance_id, volumes, changes: planned.changes().to_vec() })
    }
}

/// What the restore's row keeps.
pub(in crate::saga) fn result(context: &JobContext) -> Result<Option<Value>, JobError> {
    context.output(FINISH)
}
