//! User data of servers often holds passwords. It is recorded in restore points, which are sealed,
//! and in nothing else: a job's journal lies in the database as it is.

use firn_cloud::InstanceDetail;

use super::JobError;
use crate::discover;
use crate::services::Services;

/// Takes the user data out of `instance`; whether there was any.
pub(super) fn take_out(instance: &mut InstanceDetail) -> bool {
    let server = instance.machine.openstack.as_mut();
    server.and_then(|server| server.user_data.take()).is_some()
}

/// Asks the cloud again for the user data that was taken out of `instance`. Where the server was
/// deleted meanwhile, it is listed as lost: its disks are worth their backup.
pub(super) async fn put_back(
    services: &Services,
    instance: &mut InstanceDetail,
) -> Result<(), JobError> {
    let again = match discover::instance(services, instance.instance.id).await {
        Ok(again) => again.machine.openstack.and_then(|server| server.user_data),
        Err(error) if error.kind.retryable() => return Err(error),
        Err(_) => None,
    };
    if let Some(server) = &mut instance.machine.openstack {
        if again.is_none() {
            server.lost.push("user data: the server was gone before it was read".to_owned());
        }
        server.user_data = again;
    }
    Ok(())
}
