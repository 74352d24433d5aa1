use firn_core::{OpenStackServer, ProjectId, RestoreId};
use futures_util::future::try_join_all;
use serde_json::json;

use super::former::Former;
use super::{PATIENCE, marks};
use crate::openstack::OpenStackError;
use crate::openstack::client::{Question, Wait};
use crate::openstack::compute::{
    BlockDevice, BlockDeviceSource, Compute, NewServer, NewServerNetworks, Server, ServerNetwork,
};
use crate::{FormerMachine, Grant, PlannedServer, ServerParts};

/// How often Nova may refuse what the state that it shows allows.
const REFUSALS: u32 = 3;

/// Makes the server as the owner, unless `admin` finds that it is there.
pub(super) async fn make(
    admin: &dyn Compute,
    owner: &dyn Compute,
    grant: &Grant,
    restore: RestoreId,
    wanted: &NewServer,
) -> Result<String, OpenStackError> {
    let made = of_restore(admin, &grant.project_id, restore).await?.into_iter().next();
    let id = match made {
        // It came up, and somebody has shut it down since.
        Some(made) if made.status == "SHUTOFF" => return Ok(made.id),
        Some(made) => made.id,
        None => owner.server_create(wanted).await?,
    };
    Ok(admin.server_wait(&id, "ACTIVE", PATIENCE).await?.id)
}

/// The server that is asked for. Secrets of the former one, its user data, are only in here.
pub(super) fn wanted(
    restore: RestoreId,
    plan: &PlannedServer,
    machine: &FormerMachine,
    parts: &ServerParts,
) -> NewServer {
    let former = Former::of(machine).map(|former| former.server);
    let mut hints = former.map(|server| server.scheduler_hints.clone()).unwrap_or_default();
    // Groups are named by the plan, which knows those that are left.
    hints.remove("group");
    if let Some(group) = &plan.server_group_id {
        hints.insert("group".to_owned(), json!(group));
    }
    let user_data = former.and_then(|server| server.user_data.clone());
    NewServer {
        name: plan.name.clone(),
        flavor_id: plan.flavor_id.clone(),
        image_id: plan.image_id.clone(),
        block_devices: block_devices(plan, parts),
        networks: networks(former, &parts.ports),
        availability_zone: plan.availability_zone.clone(),
        key_name: plan.key_name.clone(),
        // The ports have theirs.
        security_groups: Vec::new(),
        metadata: marks::on_server(restore, &plan.metadata),
        tags: plan.tags.clone(),
        description: plan.description.clone(),
        user_data: user_data.map(|data| data.0),
        config_drive: plan.config_drive,
        scheduler_hints: hints,
    }
}

/// Nova's own disks first, as it would name them without volumes.
fn block_devices(plan: &PlannedServer, parts: &ServerParts) -> Vec<BlockDevice> {
    let device = |source, boots| BlockDevice {
        source,
        boot_index: if boots { 0 } else { -1 },
        delete_on_termination: true,
        device_name: None,
        disk_bus: None,
        tag: None,
    };
    let image = plan.image_id.iter().map(|id| device(BlockDeviceSource::Image(id.clone()), true));
    let ephemerals = plan
        .ephemeral_gib
        .iter()
        .map(|size_gib| device(BlockDeviceSource::Ephemeral { size_gib: *size_gib }, false));
    let volumes = parts.volumes.iter().map(|(volume, id)| BlockDevice {
        delete_on_termination: volume.delete_on_termination,
        tag: volume.tag.clone(),
        ..device(BlockDeviceSource::Volume(id.clone()), volume.boots)
    });
    image.chain(ephemerals).chain(volumes).collect()
}

/// The ports that were made, with the tags of those whose places they take.
fn networks(former: Option<&OpenStackServer>, ports: &[String]) -> NewServerNetworks {
    if ports.is_empty() {
        return NewServerNetworks::None;
    }
    let tag = |index: usize| former.and_then(|server| server.ports.get(index)?.tag.clone());
    let ports = ports.iter().enumerate();
    let ports = ports.map(|(index, id)| ServerNetwork::Port { id: id.clone(), tag: tag(index) });
    NewServerNetworks::These(ports.collect())
}

/// Removes the server of a restore.
pub(super) async fn remove(
    admin: &dyn Compute,
    project: &ProjectId,
    restore: RestoreId,
) -> Result<(), OpenStackError> {
    let removed = of_restore(admin, project, restore).await?.into_iter().map(async |server| {
        admin.server_delete(&server.id).await?;
        admin.server_wait_gone(&server.id, PATIENCE).await
    });
    try_join_all(removed).await.map(|_| ())
}

/// Shuts a server off.
///
/// # Errors
/// `NotFound` where it is gone; `Conflict` where it neither runs nor is off, which is said at once.
pub(super) async fn stop(admin: &dyn Compute, id: &str) -> Result<(), OpenStackError> {
    power(admin, id, Power::Off).await
}

/// Starts a server that is off.
///
/// # Errors
/// As [`stop`].
pub(super) async fn start(admin: &dyn Compute, id: &str) -> Result<(), OpenStackError> {
    power(admin, id, Power::On).await
}

#[derive(Clone, Copy)]
enum Power {
    On,
    Off,
}

impl Power {
    /// What a server then is.
    fn status(self) -> &'static str {
        match self {
            Self::On => "ACTIVE",
            Self::Off => "SHUTOFF",
        }
    }

    /// Whether Nova does it from there.
    fn is_next_to(self, status: &str) -> bool {
        match self {
            Self::On => status == "SHUTOFF",
            Self::Off => matches!(status, "ACTIVE" | "ERROR"),
        }
    }

    fn question(self) -> Question {
        let operation = match self {
            Self::On => "server start",
            Self::Off => "server stop",
        };
        Question { service: "compute", operation }
    }

    async fn ask(self, admin: &dyn Compute, id: &str) -> Result<(), OpenStackError> {
        match self {
            Self::On => admin.server_start(id).await,
            Self::Off => admin.server_stop(id).await,
        }
    }
}

/// Waits for what is on its way, and asks Nova once. A server that is paused or suspended stays so
/// until somebody does something about it, so it is not waited for.
async fn power(admin: &dyn Compute, id: &str, to: Power) -> Result<(), OpenStackError> {
    let mut wait = Wait::new(to.question(), PATIENCE);
    let (mut asked, mut refusals) = (false, 0);
    loop {
        let server = admin.server_get(id).await?;
        let status = server.status.as_str();
        // Nova shows it so for the moment before it knows it no more.
        if status == "DELETED" {
            let said = to.question().said(format!("server {id} is deleted"));
            return Err(OpenStackError::NotFound(said));
        }
        if !is_passing(&server) {
            if status == to.status() {
                return Ok(());
            }
            if asked || !to.is_next_to(status) {
                let fault = server.fault.as_ref().map(|fault| format!(": {}", fault.message));
                let fault = fault.unwrap_or_default();
                return Err(wait.failed(format!("server {id} is {status}{fault}")));
            }
            match to.ask(admin, id).await {
                Ok(()) => asked = true,
                // Something else was begun just now: what it is shows the next look.
                Err(OpenStackError::Conflict(_)) if refusals < REFUSALS => refusals += 1,
                Err(error) => return Err(error),
            }
        }
        wait.pause(server.task_state.as_deref().unwrap_or(status)).await?;
    }
}

/// Whether its state will change without anybody's doing. `UNKNOWN` are all servers of a cell that is
/// down.
fn is_passing(server: &Server) -> bool {
    const PASSING: [&str; 8] = [
        "BUILD",
        "HARD_REBOOT",
        "MIGRATING",
        "REBOOT",
        "REBUILD",
        "RESIZE",
        "REVERT_RESIZE",
        "UNKNOWN",
    ];
    server.task_state.is_some() || PASSING.contains(&server.status.as_str())
}

/// What a server is that neither runs nor is off.
pub(super) async fn obstacle(
    admin: &dyn Compute,
    id: &str,
) -> Result<Option<String>, OpenStackError> {
    let server = OpenStackError::or_absent(admin.server_get(id).await)?;
    let status = server.map(|server| server.status);
    Ok(status.filter(|status| !matches!(status.as_str(), "ACTIVE" | "SHUTOFF" | "DELETED")))
}

/// Locks a server for a restore. Whoever has locked it already would miss their lock afterwards.
pub(super) async fn lock(
    admin: &dyn Compute,
    restore: RestoreId,
    id: &str,
) -> Result<(), OpenStackError> {
    match admin.server_get(id).await?.locked {
        true => Ok(()),
        false => admin.server_lock(id, &reason(restore)).await,
    }
}

/// Ends the lock of a restore, which its reason tells from others.
pub(super) async fn unlock(
    admin: &dyn Compute,
    restore: RestoreId,
    id: &str,
) -> Result<(), OpenStackError> {
    let server = OpenStackError::or_absent(admin.server_get(id).await)?;
    let ours = |server: &Server| {
        server.locked && server.locked_reason.as_deref() == Some(reason(restore).as_str())
    };
    if server.is_some_and(|server| ours(&server)) {
        OpenStackError::or_absent(admin.server_unlock(id).await)?;
    }
    Ok(())
}

/// Its owner sees it.
fn reason(restore: RestoreId) -> String {
    format!("its disks are being written by the restore {restore}, which unlocks it")
}

async fn of_restore(
    admin: &dyn Compute,
    project: &ProjectId,
    restore: RestoreId,
) -> Result<Vec<Server>, OpenStackError> {
    let mut servers = admin.server_list(Some(project)).await?;
    servers.retain(|server| marks::of_restore(restore, &server.metadata));
    Ok(servers)
}

#[cfg(test)]
#[path = "servers_tests.rs"]
mod tests;
