//! What Nova and Cinder say of an instance's disks, and what its hypervisor says: one answer, or
//! the reason why there is none.

use firn_core::{Disk, DiskKind, DiskLocation, ErrorKind, InstanceId};

use crate::CloudError;
use crate::openstack::block_storage::Volume;
use crate::openstack::compute::{Server, VolumeAttachment};

/// Why Nova, Cinder and the hypervisor do not describe the same instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// No hypervisor has it.
    #[error("no hypervisor has the instance: it is {state:?}")]
    Nowhere {
        /// Nova's state of it: `shelved_offloaded`, `building`, ...
        state: String,
    },
    /// The hypervisor that Nova names does not have it.
    #[error("Nova says that the instance is on {host}, which does not have it")]
    NotOnHost {
        /// Nova's name of the host.
        host: String,
    },
    /// The hypervisor described another instance.
    #[error("the hypervisor described {id} instead")]
    AnotherDomain {
        /// Which.
        id: InstanceId,
    },
    /// Nova has attached a volume that the domain does not have.
    #[error("volume {volume_id} is attached according to Nova, and not in the domain")]
    NotInDomain {
        /// The volume.
        volume_id: String,
    },
    /// The domain has a volume that Nova has not attached.
    #[error("{device} in the domain is volume {volume_id}, which Nova has not attached")]
    NotAttached {
        /// The disk's device: `vdc`.
        device: String,
        /// Its serial.
        volume_id: String,
    },
    /// The domain has a disk that neither Nova nor Cinder made.
    #[error("{device} in the domain is neither a disk that Nova made nor a volume")]
    Foreign {
        /// The disk's device: `vdc`.
        device: String,
    },
    /// A volume is being moved to another storage.
    #[error("volume {volume_id} is being moved to another storage")]
    Moving {
        /// The volume.
        volume_id: String,
    },
    /// The domain uses another image than the one that Cinder keeps the volume in.
    #[error("volume {volume_id} is {storage_id} on the storage, but the domain uses {image}")]
    Elsewhere {
        /// The volume.
        volume_id: String,
        /// The id in its name there.
        storage_id: String,
        /// The image that the domain uses.
        image: String,
    },
}

impl JoinError {
    /// What can be done about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::AnotherDomain { .. } | Self::Foreign { .. } => ErrorKind::InvalidInput,
            _ => ErrorKind::Conflict,
        }
    }

    pub(super) fn into_cloud(self, id: InstanceId) -> CloudError {
        match self.kind() {
            ErrorKind::InvalidInput => CloudError::InvalidInput { id, source: Box::new(self) },
            _ => CloudError::Conflict { id, source: Box::new(self) },
        }
    }
}

/// The disks of the domain with what Nova and Cinder know of them. `volumes` are those of
/// `attached`.
pub(super) fn disks(
    server: &Server,
    attached: &[VolumeAttachment],
    volumes: &[Volume],
    mut disks: Vec<Disk>,
) -> Result<Vec<Disk>, JoinError> {
    for disk in &mut disks {
        let volume_id = disk.serial.as_deref();
        let attachment = attached.iter().find(|one| Some(one.volume_id.as_str()) == volume_id);
        let volume = volumes.iter().find(|volume| Some(volume.id.as_str()) == volume_id);
        match (attachment, volume) {
            (Some(attachment), Some(volume)) => complete(disk, server, attachment, volume)?,
            _ if made_by_nova(disk, server) => {}
            _ => return Err(unknown(disk)),
        }
    }
    let missing = attached.iter().find(|attachment| {
        !disks.iter().any(|disk| disk.serial.as_deref() == Some(attachment.volume_id.as_str()))
    });
    match missing {
        Some(attachment) => Err(JoinError::NotInDomain { volume_id: attachment.volume_id.clone() }),
        None => Ok(disks),
    }
}

/// Fills in what Nova and Cinder know of a volume's disk.
fn complete(
    disk: &mut Disk,
    server: &Server,
    attachment: &VolumeAttachment,
    volume: &Volume,
) -> Result<(), JoinError> {
    let volume_id = || volume.id.clone();
    if volume.is_moving() {
        return Err(JoinError::Moving { volume_id: volume_id() });
    }
    // The name's template is Cinder's to configure; the id is always in it.
    if let DiskLocation::Rbd { image, .. } = &disk.location
        && !image.contains(volume.storage_id())
    {
        let storage_id = volume.storage_id().to_owned();
        return Err(JoinError::Elsewhere {
            volume_id: volume_id(),
            storage_id,
            image: image.clone(),
        });
    }
    let booted_from = server.image.is_none()
        && attachment.device.is_some()
        && attachment.device == server.root_device_name;
    disk.kind = match booted_from {
        true => DiskKind::Root,
        false => DiskKind::Volume,
    };
    disk.shareable |= volume.multiattach;
    disk.encrypted |= volume.encrypted;
    Ok(())
}

/// Nova names what it makes after the server; Cinder and people do not.
fn made_by_nova(disk: &Disk, server: &Server) -> bool {
    disk.kind != DiskKind::Volume
        && match &disk.location {
            DiskLocation::Rbd { image, .. } => image.starts_with(&server.id),
            DiskLocation::File { path, .. } | DiskLocation::Block { path, .. } => {
                path.to_string_lossy().contains(&server.id)
            }
            _ => false,
        }
}

/// Only Cinder's disks have the UUID of something else as their serial.
fn unknown(disk: &Disk) -> JoinError {
    let device = disk.device.clone();
    match &disk.serial {
        Some(serial) if serial.parse::<InstanceId>().is_ok() => {
            JoinError::NotAttached { device, volume_id: serial.clone() }
        }
        _ => JoinError::Foreign { device },
    }
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
