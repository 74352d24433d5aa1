use firn_core::{ProjectId, RestoreId};
use futures_util::future::try_join_all;

use super::{PATIENCE, marks};
use crate::openstack::OpenStackError;
use crate::openstack::block_storage::{BlockStorage, NewVolume, Volume};
use crate::openstack::client::{Question, Wait};
use crate::{Grant, PlannedVolume};

/// Makes an empty volume as the owner; `admin` looks whether it is there.
pub(super) async fn make(
    admin: &dyn BlockStorage,
    owner: &dyn BlockStorage,
    grant: &Grant,
    restore: RestoreId,
    volume: &PlannedVolume,
) -> Result<String, OpenStackError> {
    let (failed, made): (Vec<_>, Vec<_>) = admin
        .volume_list(&grant.project_id)
        .await?
        .into_iter()
        .filter(|there| marks::of_disk(restore, &volume.device, &there.metadata))
        .partition(|there| there.status.starts_with("error"));
    try_join_all(failed.iter().map(|failed| remove_one(admin, &failed.id))).await?;
    let id = match made.into_iter().next() {
        Some(made) => made.id,
        None => owner.volume_create(&wanted(restore, volume)).await?.id,
    };
    let made = admin.volume_wait(&id, "available", PATIENCE).await?;
    check_plain(&made, volume)?;
    if volume.bootable && !made.is_bootable() {
        owner.volume_set_bootable(&id, true).await?;
    }
    if !volume.image_metadata.is_empty() && made.image_metadata != volume.image_metadata {
        owner.volume_set_image_metadata(&id, &volume.image_metadata).await?;
    }
    Ok(id)
}

/// What is written is what the guest saw. The plan has asked for the type before, which may be
/// another one since.
fn check_plain(made: &Volume, planned: &PlannedVolume) -> Result<(), OpenStackError> {
    if !made.encrypted {
        return Ok(());
    }
    let question = Question { service: "block-storage", operation: "volume create" };
    let volume_type = made.volume_type.as_deref().unwrap_or("of Cinder's choice");
    Err(OpenStackError::Conflict(question.said(format!(
        "volume {}, for {}, is encrypted, as its type {volume_type} says, and its key is not ours \
         to write with: restore with a volume type that does not encrypt",
        made.id, planned.device
    ))))
}

fn wanted(restore: RestoreId, volume: &PlannedVolume) -> NewVolume {
    NewVolume {
        size_gib: volume.size_gib,
        name: volume.name.clone(),
        volume_type: volume.volume_type.clone(),
        availability_zone: volume.availability_zone.clone(),
        snapshot_id: None,
        metadata: marks::on_volume(restore, &volume.device, &volume.metadata),
    }
}

/// Removes all volumes of a restore.
pub(super) async fn remove(
    admin: &dyn BlockStorage,
    project: &ProjectId,
    restore: RestoreId,
) -> Result<(), OpenStackError> {
    let volumes = admin.volume_list(project).await?;
    let made = volumes.iter().filter(|volume| marks::of_restore(restore, &volume.metadata));
    try_join_all(made.map(|volume| remove_one(admin, &volume.id))).await.map(|_| ())
}

/// Deletes a volume when Cinder allows it, and waits until it is gone.
async fn remove_one(admin: &dyn BlockStorage, id: &str) -> Result<(), OpenStackError> {
    let Some(volume) = settled(admin, id).await? else { return Ok(()) };
    match volume.status.as_str() {
        "deleting" => {}
        "available" | "error" => admin.volume_delete(id).await?,
        // Cinder deletes what failed in most other ways only after somebody said that it may.
        _ => {
            admin.volume_reset_status(id, "error").await?;
            admin.volume_delete(id).await?;
        }
    }
    admin.volume_wait_gone(id, PATIENCE).await
}

/// A volume when nothing happens to it any more: it may be made still, and Nova lets go of volumes
/// after the server is gone. None for one that is gone.
async fn settled(admin: &dyn BlockStorage, id: &str) -> Result<Option<Volume>, OpenStackError> {
    let question = Question { service: "block-storage", operation: "volume wait" };
    let mut wait = Wait::new(question, PATIENCE);
    loop {
        let Some(volume) = OpenStackError::or_absent(admin.volume_get(id).await)? else {
            return Ok(None);
        };
        match volume.status.as_str() {
            "available" | "deleting" => return Ok(Some(volume)),
            status if status.starts_with("error") => return Ok(Some(volume)),
            status => wait.pause(status).await?,
        }
    }
}
