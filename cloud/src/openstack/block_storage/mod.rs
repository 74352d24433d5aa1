//! What Firn asks of Cinder.

mod attachment;
mod availability_zone;
mod cinder;
mod quota;
mod service;
mod snapshot;
mod transfer;
mod volume;
mod volume_type;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use firn_core::ProjectId;

use super::client::{OpenStackError, Question, Wait};

pub use attachment::{Attachment, ConnectionInfo, Connector, NewVolumeAttachment};
pub use cinder::Cinder;
pub use quota::{QuotaUsage, Usage};
pub use service::VolumeService;
pub use snapshot::{ManageableSnapshot, NewSnapshot, Snapshot, SnapshotFilter, SourceName};
pub use transfer::Transfer;
pub use volume::{NewVolume, Volume, VolumeServer};
pub use volume_type::VolumeType;

/// Cinder, as far as backups and restores need it.
///
/// What is made belongs to the session's project. With the role admin the session sees volumes of
/// others, and its snapshots of them are its own: they use no quota of the volume's owner and are in
/// none of the owner's lists, but the owner cannot delete the volume while they exist.
#[async_trait]
pub trait BlockStorage: Send + Sync {
    /// The volumes of a project, in no order. Needs the role admin for projects of others.
    async fn volume_list(&self, project: &ProjectId) -> Result<Vec<Volume>, OpenStackError>;

    /// One volume.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn volume_get(&self, id: &str) -> Result<Volume, OpenStackError>;

    /// Asks for a volume in the session's own project: Cinder makes none in another's, whoever
    /// asks. To give one to another project, make it in a session of that project, or
    /// [transfer](BlockStorage::transfer_create) it.
    ///
    /// # Errors
    /// [`OpenStackError::QuotaExceeded`].
    async fn volume_create(&self, volume: &NewVolume) -> Result<Volume, OpenStackError>;

    /// Asks to make a volume larger, also while it is in use.
    ///
    /// # Errors
    /// [`OpenStackError::InvalidInput`] where it would not grow, [`OpenStackError::QuotaExceeded`].
    async fn volume_extend(&self, id: &str, size_gib: u64) -> Result<(), OpenStackError>;

    /// Says whether servers can boot from it.
    async fn volume_set_bootable(&self, id: &str, bootable: bool) -> Result<(), OpenStackError>;

    /// Adds image properties, which say how a server that boots from it is built.
    async fn volume_set_image_metadata(
        &self,
        id: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<(), OpenStackError>;

    /// Asks for its deletion. One that is gone is fine.
    ///
    /// # Errors
    /// [`OpenStackError::InvalidInput`] while it is attached or has snapshots.
    async fn volume_delete(&self, id: &str) -> Result<(), OpenStackError>;

    /// Sets the status that Cinder believes a volume to have. Needs the role admin.
    async fn volume_reset_status(&self, id: &str, status: &str) -> Result<(), OpenStackError>;

    /// The attachments that are for somebody, over all projects, with their connections. Needs the
    /// role admin.
    async fn attachment_list(&self, holder_id: &str) -> Result<Vec<Attachment>, OpenStackError>;

    /// Attaches an available volume to something else than a server.
    ///
    /// # Errors
    /// [`OpenStackError::InvalidInput`] where the volume is not available. Other errors may leave
    /// an attachment without a connection.
    async fn attachment_create(
        &self,
        attachment: &NewVolumeAttachment,
    ) -> Result<Attachment, OpenStackError>;

    /// Ends an attachment; its volume is available then. One that is gone is fine.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] while a server of Nova's has the volume.
    async fn attachment_delete(&self, id: &str) -> Result<(), OpenStackError>;

    /// Offers a volume to whoever knows the answer's key. The volume must be available.
    async fn transfer_create(&self, volume_id: &str) -> Result<Transfer, OpenStackError>;

    /// Takes an offered volume into the session's own project, and out of its quota.
    ///
    /// # Errors
    /// [`OpenStackError::QuotaExceeded`]; [`OpenStackError::InvalidInput`] where the project may
    /// not use the volume's type.
    async fn transfer_accept(&self, transfer: &Transfer) -> Result<(), OpenStackError>;

    /// Takes an offer back. One that is gone is fine.
    async fn transfer_delete(&self, id: &str) -> Result<(), OpenStackError>;

    /// Asks for a snapshot of a volume, also of one in use.
    ///
    /// # Errors
    /// [`OpenStackError::QuotaExceeded`]; [`OpenStackError::InvalidInput`] where the volume's
    /// status does not allow it.
    async fn snapshot_create(&self, snapshot: &NewSnapshot) -> Result<Snapshot, OpenStackError>;

    /// One snapshot.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn snapshot_get(&self, id: &str) -> Result<Snapshot, OpenStackError>;

    /// The snapshots of the session's own project that a filter lets through.
    async fn snapshot_list(&self, filter: &SnapshotFilter)
    -> Result<Vec<Snapshot>, OpenStackError>;

    /// Asks for its deletion. One that is gone is fine.
    ///
    /// # Errors
    /// [`OpenStackError::InvalidInput`] where its status does not allow it.
    async fn snapshot_delete(&self, id: &str) -> Result<(), OpenStackError>;

    /// Asks Cinder to forget a snapshot and leave it on the storage. One that is gone is fine.
    /// Needs the role admin.
    async fn snapshot_unmanage(&self, id: &str) -> Result<(), OpenStackError>;

    /// The snapshots on the storage behind a host (`node@backend#pool`), known to Cinder or not.
    /// Needs the role admin.
    async fn manageable_snapshots(
        &self,
        host: &str,
    ) -> Result<Vec<ManageableSnapshot>, OpenStackError>;

    /// All volume types that the session may see.
    async fn volume_type_list(&self) -> Result<Vec<VolumeType>, OpenStackError>;

    /// The type of volumes of the session's own project that are made without naming one; none
    /// where they would have no type.
    async fn volume_type_default(&self) -> Result<Option<VolumeType>, OpenStackError>;

    /// Whether Cinder encrypts the volumes of a type, by its id. One that is gone encrypts nothing.
    /// Needs the role admin.
    async fn volume_type_encrypts(&self, id: &str) -> Result<bool, OpenStackError>;

    /// Names of the availability zones that volumes can be made in now.
    async fn availability_zones(&self) -> Result<Vec<String>, OpenStackError>;

    /// Cinder's services. Needs the role admin.
    async fn service_list(&self) -> Result<Vec<VolumeService>, OpenStackError>;

    /// What the session's own project may use and uses.
    async fn quota_usage(&self) -> Result<QuotaUsage, OpenStackError>;

    /// Waits until a volume has this status (`available`, `in-use`), and answers it.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] when it ends in an error instead, and
    /// [`OpenStackError::Unavailable`] when the time is over.
    async fn volume_wait(
        &self,
        id: &str,
        status: &str,
        allowed: Duration,
    ) -> Result<Volume, OpenStackError> {
        let mut wait = Wait::new(question("volume wait"), allowed);
        loop {
            let volume = self.volume_get(id).await?;
            match volume.status.as_str() {
                seen if seen == status => return Ok(volume),
                seen if seen.starts_with("error") => {
                    return Err(wait.failed(format!("volume {id} is in status {seen}")));
                }
                seen => wait.pause(seen).await?,
            }
        }
    }

    /// Waits until a volume whose deletion was asked for is gone.
    ///
    /// # Errors
    /// As [`BlockStorage::volume_wait`].
    async fn volume_wait_gone(&self, id: &str, allowed: Duration) -> Result<(), OpenStackError> {
        let mut wait = Wait::new(question("volume wait"), allowed);
        while let Some(volume) = OpenStackError::or_absent(self.volume_get(id).await)? {
            still_going(&wait, "volume", id, &volume.status)?;
            wait.pause(&volume.status).await?;
        }
        Ok(())
    }

    /// Waits until a snapshot is available, and answers it.
    ///
    /// # Errors
    /// As [`BlockStorage::volume_wait`].
    async fn snapshot_wait_available(
        &self,
        id: &str,
        allowed: Duration,
    ) -> Result<Snapshot, OpenStackError> {
        let mut wait = Wait::new(question("snapshot wait"), allowed);
        loop {
            let snapshot = self.snapshot_get(id).await?;
            match snapshot.status.as_str() {
                "available" => return Ok(snapshot),
                seen if seen.starts_with("error") => {
                    return Err(wait.failed(format!("snapshot {id} is in status {seen}")));
                }
                seen => wait.pause(seen).await?,
            }
        }
    }

    /// Waits until a snapshot whose deletion or release was asked for is gone.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] also where Cinder took the deletion and then thought better of
    /// it: it does so while something was cloned from the snapshot.
    async fn snapshot_wait_gone(&self, id: &str, allowed: Duration) -> Result<(), OpenStackError> {
        let mut wait = Wait::new(question("snapshot wait"), allowed);
        while let Some(snapshot) = OpenStackError::or_absent(self.snapshot_get(id).await)? {
            still_going(&wait, "snapshot", id, &snapshot.status)?;
            wait.pause(&snapshot.status).await?;
        }
        Ok(())
    }
}

/// Cinder sets the status before it answers a deletion, so any other means that it has ended.
fn still_going(wait: &Wait, what: &str, id: &str, status: &str) -> Result<(), OpenStackError> {
    match status {
        "deleting" | "unmanaging" => Ok(()),
        other => Err(wait.failed(format!("{what} {id} is not deleted: its status is {other}"))),
    }
}

const fn question(operation: &'static str) -> Question {
    Question { service: cinder::SERVICE_TYPE, operation }
}
