use firn_cloud::{CloudError, Rebuild, VolumePlan, VolumeUse};
use firn_core::{ErrorKind, RestoreId};

use super::plan::{CloudRestore, PLAN, Planned, refused};
use crate::saga::{JobContext, JobError};

const DOING: &str = "asking whether a disk is gone";

impl CloudRestore {
    /// Whether the cloud has no more what a disk was of. A driver that does not find an image may only
    /// not know its cluster, on this machine: what was written there would then stay.
    pub(super) async fn is_gone(&self, context: &JobContext) -> Result<bool, JobError> {
        let gone = match context.output(PLAN)? {
            Planned::Original(_) => {
                let id = self.machine().await?.detail.instance.id;
                let state = self.job.services.cloud.power_state(id).await;
                absent(state, |error| matches!(error, CloudError::NotFound { .. }))
            }
            Planned::Volume(VolumePlan { volume: VolumeUse::Replace { id, .. }, .. }) => {
                volume_is_gone(self.cloud.as_ref(), self.id, &id).await
            }
            Planned::Server(_) | Planned::Volume(_) => Ok(false),
        };
        gone.map_err(refused(DOING))
    }
}

/// The volume is attached to the restore until its undo is through, so asking again says where it is
/// and changes nothing.
async fn volume_is_gone(
    cloud: &dyn Rebuild,
    restore: RestoreId,
    volume: &str,
) -> Result<bool, CloudError> {
    let attached = cloud.volume_attach(restore, volume).await;
    absent(attached, |error| error.kind() == ErrorKind::NotFound)
}

fn absent<T>(
    answer: Result<T, CloudError>,
    says_so: impl FnOnce(&CloudError) -> bool,
) -> Result<bool, CloudError> {
    match answer {
        Ok(_) => Ok(false),
        Err(error) if says_so(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga::restore::fake_cloud::FakeCloud;

    #[tokio::test]
    async fn only_the_cloud_says_that_a_volume_is_gone() {
        for (refusal, gone) in [
            (None, Some(false)),
            (Some(ErrorKind::NotFound), Some(true)),
            (Some(ErrorKind::Unavailable), None),
            (Some(ErrorKind::Conflict), None),
        ] {
            let cloud = FakeCloud { refusal, power: None };
            let answer = volume_is_gone(&cloud, RestoreId::new(), "v").await;
            assert_eq!(answer.ok(), gone, "{refusal:?}");
        }
    }
}
