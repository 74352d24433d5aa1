use firn_core::{OpenStackServer, ProjectId, RestoreId};
use futures_util::future::try_join_all;
use serde_json::json;

use super::former::Former;
use super::{PATIENCE, marks};
use crate::openstack::OpenStackError;
use crate::openstack::compute::{
    BlockDevice, BlockDeviceSource, Compute, NewServer, NewServerNetworks, Server, ServerNetwork,
};
use crate::{FormerMachine, Grant, PlannedServer, ServerParts};

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
pub(super) async fn stop(admin: &dyn Compute, id: &str) -> Result<(), OpenStackError> {
    let server = admin.server_get(id).await?;
    if is_off(&server) {
        return Ok(());
    }
    // Somebody may have asked already.
    if server.task_state.as_deref() != Some("powering-off") {
        admin.server_stop(id).await?;
    }
    admin.server_wait(id, "SHUTOFF", PATIENCE).await.map(|_| ())
}

/// Starts a server.
pub(super) async fn start(admin: &dyn Compute, id: &str) -> Result<(), OpenStackError> {
    if is_off(&admin.server_get(id).await?) {
        admin.server_start(id).await?;
    }
    admin.server_wait(id, "ACTIVE", PATIENCE).await.map(|_| ())
}

fn is_off(server: &Server) -> bool {
    server.status == "SHUTOFF" && server.task_state.is_none()
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
