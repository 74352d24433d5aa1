use firn_core::{DiskLocation, ErrorKind, RestoreId};

use super::{PATIENCE, refused};
use crate::CloudError;
use crate::openstack::OpenStackError;
use crate::openstack::block_storage::{Attachment, BlockStorage, Connector, NewVolumeAttachment};

/// Attaches a volume to nobody but the restore: its id stands where a server's would, so that the
/// attachment is found again. It is never completed, so the volume stays `attaching`, in which
/// Cinder lets nobody attach, extend, retype, transfer or delete it.
pub(super) async fn attach(
    admin: &dyn BlockStorage,
    restore: RestoreId,
    volume_id: &str,
) -> Result<DiskLocation, CloudError> {
    for attachment in ours(admin, restore, volume_id).await.map_err(refused)? {
        if attachment.connection().is_some() {
            return location(admin, &attachment).await;
        }
        admin.attachment_delete(&attachment.id).await.map_err(refused)?;
    }
    let wanted = NewVolumeAttachment {
        volume_id: volume_id.to_owned(),
        holder_id: restore.to_string(),
        connector: Connector { host: format!("firn-{restore}") },
    };
    let made = admin.attachment_create(&wanted).await.map_err(|error| match error {
        // So Cinder says that it is not available.
        OpenStackError::InvalidInput(_) => {
            CloudError::Refused { kind: ErrorKind::Conflict, source: Box::new(error) }
        }
        error => refused(error),
    })?;
    location(admin, &made).await
}

/// Ends all attachments of a volume to a restore.
pub(super) async fn detach(
    admin: &dyn BlockStorage,
    restore: RestoreId,
    volume_id: &str,
) -> Result<(), OpenStackError> {
    let ours = ours(admin, restore, volume_id).await?;
    for attachment in &ours {
        admin.attachment_delete(&attachment.id).await?;
    }
    if !ours.is_empty() {
        let given_back = admin.volume_wait(volume_id, "available", PATIENCE).await;
        OpenStackError::or_absent(given_back)?;
    }
    Ok(())
}

async fn ours(
    admin: &dyn BlockStorage,
    restore: RestoreId,
    volume_id: &str,
) -> Result<Vec<Attachment>, OpenStackError> {
    let mut attachments = admin.attachment_list(&restore.to_string()).await?;
    attachments.retain(|attachment| attachment.volume_id == volume_id);
    Ok(attachments)
}

/// Where an attached volume is; one that nobody here can write to is given back.
async fn location(
    admin: &dyn BlockStorage,
    attachment: &Attachment,
) -> Result<DiskLocation, CloudError> {
    let connection = attachment.connection();
    if let Some(location) = connection.and_then(|connection| connection.location()) {
        return Ok(location);
    }
    admin.attachment_delete(&attachment.id).await.map_err(refused)?;
    let storage = connection.map(|connection| connection.driver_volume_type()).unwrap_or_default();
    let source = format!(
        "volume {} is on storage of the type {storage:?}, and only rbd can be written to: choose \
         another volume type",
        attachment.volume_id
    );
    Err(CloudError::Refused { kind: ErrorKind::Unsupported, source: source.into() })
}
