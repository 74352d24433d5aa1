//! Which instances a plan means now.

use std::time::Duration;

use firn_cloud::{Cloud, CloudError, InstanceSummary};
use firn_core::ErrorKind;
use firn_core::plan::{Plan, Selector};
use firn_db::RunNote;

use super::decide::decide_instances;

/// The cloud did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("it did not answer within {seconds} s")]
struct Late {
    seconds: u64,
}

/// Asks the cloud for the instances of the plan's project, and chooses. Instances of other
/// projects are never chosen, whatever the cloud answers.
pub(crate) async fn instances(
    cloud: &dyn Cloud,
    plan: &Plan,
    deadline: Duration,
) -> Result<(Vec<InstanceSummary>, Vec<RunNote>), CloudError> {
    let mut all = within(deadline, cloud.instance_list(&plan.project_id)).await?;
    all.retain(|instance| instance.project_id == plan.project_id);
    if matches!(plan.settings.instances, Selector::Metadata(_)) {
        for instance in all.iter_mut().filter(|instance| instance.metadata.is_none()) {
            match within(deadline, cloud.instance_get(instance.id)).await {
                Ok(detail) => instance.metadata = Some(detail.machine.metadata),
                // Gone since, or not understood: its metadata says nothing.
                Err(error) if error.kind() != ErrorKind::Unavailable => {
                    tracing::warn!(instance = %instance.id, %error, "metadata cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(decide_instances(&plan.settings.instances, &all))
}

async fn within<T>(
    deadline: Duration,
    asked: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, CloudError> {
    match tokio::time::timeout(deadline, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(CloudError::Unavailable {
            service: "the cloud".to_owned(),
            source: Some(Box::new(Late { seconds: deadline.as_secs() })),
        }),
    }
}
