use std::sync::Arc;

use async_trait::async_trait;
use firn_cloud::{
    CloudError, FormerDisk, FormerMachine, Grant, InstanceDetail, PlannedVolume, Rebuild,
    ServerPlan, VolumePlan, VolumeUse,
};
use firn_core::{ErrorKind, ProjectId, RestoreId, RestoreTarget};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::saga::transfer::{in_repository, journaled};
use crate::saga::{JobContext, JobError, RunningJob, Step};
use crate::worker::protocol::TargetDisk;

use super::place;

pub(super) const PLAN: &str = "plan";

/// A restore into the cloud, as its steps see it.
#[derive(Clone)]
pub(super) struct CloudRestore {
    pub(super) job: Arc<RunningJob>,
    pub(super) target: RestoreTarget,
    pub(super) id: RestoreId,
    pub(super) grant: Grant,
    pub(super) dry_run: bool,
    pub(super) cloud: Arc<dyn Rebuild>,
}

/// What the request says beyond the target.
#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    dry_run: bool,
    grant: SpecGrant,
}

#[derive(Deserialize)]
struct SpecGrant {
    trust_id: Option<String>,
    project_id: ProjectId,
    user_id: String,
}

/// What will be done. The journal has it, so that a restore that is taken over goes on with the same;
/// a dry run shows it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Planned {
    Server(ServerPlan),
    Volume(VolumePlan),
    Original(OriginalPlan),
}

/// A restore in place.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct OriginalPlan {
    /// It ran when this was planned, so it is to run again.
    pub(super) ran: bool,
    /// Where the disks lie.
    pub(super) disks: Vec<TargetDisk>,
    pub(super) changes: Vec<String>,
    pub(super) problems: Vec<String>,
}

impl Planned {
    fn problems(&self) -> &[String] {
        match self {
            Self::Server(plan) => &plan.problems,
            Self::Volume(plan) => &plan.problems,
            Self::Original(plan) => &plan.problems,
        }
    }

    pub(super) fn changes(&self) -> &[String] {
        match self {
            Self::Server(plan) => &plan.changes,
            Self::Volume(plan) => &plan.changes,
            Self::Original(plan) => &plan.changes,
        }
    }

    /// The volumes to make.
    pub(super) fn volumes(&self) -> &[PlannedVolume] {
        match self {
            Self::Server(plan) => &plan.volumes,
            Self::Volume(VolumePlan { volume: VolumeUse::Make(volume), .. }) => {
                std::slice::from_ref(volume)
            }
            Self::Volume(_) | Self::Original(_) => &[],
        }
    }
}

impl CloudRestore {
    pub(super) fn new(job: &Arc<RunningJob>, target: RestoreTarget) -> Result<Self, JobError> {
        let Some(cloud) = &job.services.rebuild else {
            let message = "this service has no cloud to restore to: restore to files";
            return Err(JobError::new(ErrorKind::Unsupported, message));
        };
        let Spec { dry_run, grant } = job.spec()?;
        let SpecGrant { trust_id, project_id, user_id } = grant;
        Ok(Self {
            job: Arc::clone(job),
            target,
            id: RestoreId(job.resource_id),
            grant: Grant { trust_id, project_id, user_id },
            dry_run,
            cloud: Arc::clone(cloud),
        })
    }

    /// The machine as the restore point has it.
    pub(super) async fn machine(&self) -> Result<FormerMachine, JobError> {
        let id = self.job.restore().await?.point_id;
        let point =
            in_repository(&self.job.services, move |repository| repository.point(id)).await?;
        let detail: InstanceDetail = serde_json::from_value(point.identity).map_err(|error| {
            JobError::from_chain(
                ErrorKind::Unsupported,
                "the restore point does not say what its machine was",
                &error,
            )
        })?;
        let disks = point.disks.into_iter().map(|disk| FormerDisk {
            device: disk.device,
            kind: disk.kind,
            size_bytes: disk.size_bytes,
        });
        Ok(FormerMachine { disks: disks.collect(), detail })
    }
}

/// What the cloud answered, as a job's error.
pub(super) fn refused(doing: &str) -> impl Fn(CloudError) -> JobError {
    move |error| JobError::from_chain(error.kind(), doing, &error)
}

/// Works out what will be done.
pub(super) struct Plan(pub(super) CloudRestore);

#[async_trait]
impl Step for Plan {
    fn name(&self) -> &'static str {
        PLAN
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let CloudRestore { job, cloud, grant, .. } = &self.0;
        let machine = self.0.machine().await?;
        let refused = refused("planning the restore");
        let planned = match &self.0.target {
            RestoreTarget::NewInstance(wish) => {
                Planned::Server(cloud.server_plan(grant, &machine, wish).await.map_err(refused)?)
            }
            RestoreTarget::Volume(wish) => {
                Planned::Volume(cloud.volume_plan(grant, &machine, wish).await.map_err(refused)?)
            }
            RestoreTarget::Original | RestoreTarget::File { .. } => {
                job.yield_to_others(context.id, machine.detail.instance.id).await?;
                Planned::Original(place::original(&self.0, &machine).await?)
            }
        };
        match planned.problems() {
            problems if !problems.is_empty() && !self.0.dry_run => {
                Err(JobError::new(ErrorKind::Conflict, problems.join("; ")))
            }
            _ => journaled(&planned),
        }
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        self.0.cloud.grant_end(&self.0.grant).await.map_err(refused("ending the trust"))
    }
}
