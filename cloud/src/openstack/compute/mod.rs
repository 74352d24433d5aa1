//! What Firn asks of Nova.

mod attachment;
mod availability_zone;
mod create;
mod flavor;
mod keypair;
mod limits;
mod nova;
mod server;
mod server_group;

use std::time::Duration;

use async_trait::async_trait;
use firn_core::ProjectId;

use super::client::{OpenStackError, Question, Wait};

pub use attachment::{FixedIp, InterfaceAttachment, NewAttachment, VolumeAttachment};
pub use create::{BlockDevice, BlockDeviceSource, NewServer, NewServerNetworks, ServerNetwork};
pub use flavor::{EmbeddedFlavor, Flavor};
pub use keypair::Keypair;
pub use limits::ComputeLimits;
pub use nova::Nova;
pub use server::{ImageRef, SecurityGroupName, Server, ServerFault};
pub use server_group::ServerGroup;

/// Nova, as far as backups and restores need it.
///
/// Each call answers within the client's deadline; errors are [`OpenStackError`]s, of which each
/// method names what is particular to it.
#[async_trait]
pub trait Compute: Send + Sync {
    /// The servers of one project, or of all, in no order. Needs the role admin.
    async fn server_list(&self, project: Option<&ProjectId>)
    -> Result<Vec<Server>, OpenStackError>;

    /// The ids of all servers whose disks Nova removes now: for good, or to build them anew. Needs the
    /// role admin.
    async fn servers_losing_disks(&self) -> Result<Vec<String>, OpenStackError>;

    /// One server. Without the role admin, host, hypervisor and user data are not told.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn server_get(&self, id: &str) -> Result<Server, OpenStackError>;

    /// Asks for a server and answers its id; it is built later.
    ///
    /// # Errors
    /// [`OpenStackError::QuotaExceeded`]; [`OpenStackError::InvalidInput`] for references to what
    /// does not exist.
    async fn server_create(&self, server: &NewServer) -> Result<String, OpenStackError>;

    /// Asks for its deletion. One that is gone is fine.
    async fn server_delete(&self, id: &str) -> Result<(), OpenStackError>;

    /// Shuts its guest down.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] where its state does not allow it.
    async fn server_stop(&self, id: &str) -> Result<(), OpenStackError>;

    /// Starts it.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] where its state does not allow it.
    async fn server_start(&self, id: &str) -> Result<(), OpenStackError>;

    /// Locks it: by an administrator, so that its owner can change nothing of it. The reason is shown.
    async fn server_lock(&self, id: &str, reason: &str) -> Result<(), OpenStackError>;

    /// Ends its lock.
    async fn server_unlock(&self, id: &str) -> Result<(), OpenStackError>;

    /// Its volumes, in the order in which Nova has attached them.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`] for an unknown server.
    async fn volume_attachments(&self, id: &str) -> Result<Vec<VolumeAttachment>, OpenStackError>;

    /// Asks to attach a volume.
    ///
    /// # Errors
    /// [`OpenStackError::InvalidInput`] where the volume is not available.
    async fn volume_attach(
        &self,
        id: &str,
        volume: &NewAttachment,
    ) -> Result<VolumeAttachment, OpenStackError>;

    /// Asks to detach a volume. One that is not attached is fine.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] where the server's state does not allow it.
    async fn volume_detach(&self, id: &str, volume_id: &str) -> Result<(), OpenStackError>;

    /// Its network interfaces.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`] for an unknown server.
    async fn interfaces(&self, id: &str) -> Result<Vec<InterfaceAttachment>, OpenStackError>;

    /// The flavors that the session's project may use; an administrator's list has all.
    async fn flavor_list(&self) -> Result<Vec<Flavor>, OpenStackError>;

    /// One flavor.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn flavor_get(&self, id: &str) -> Result<Flavor, OpenStackError>;

    /// A keypair of a user.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn keypair_get(&self, user_id: &str, name: &str) -> Result<Keypair, OpenStackError>;

    /// A server group.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn server_group_get(&self, id: &str) -> Result<ServerGroup, OpenStackError>;

    /// Names of the availability zones that servers can be made in now.
    async fn availability_zones(&self) -> Result<Vec<String>, OpenStackError>;

    /// What the session's own project may have and has.
    async fn limits(&self) -> Result<ComputeLimits, OpenStackError>;

    /// Waits until a server has this status (`ACTIVE`, `SHUTOFF`) and no task, and answers it.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] with Nova's words when it ends in `ERROR` instead, and
    /// [`OpenStackError::Unavailable`] when the time is over.
    async fn server_wait(
        &self,
        id: &str,
        status: &str,
        allowed: Duration,
    ) -> Result<Server, OpenStackError> {
        let mut wait = Wait::new(question("server wait"), allowed);
        loop {
            let server = self.server_get(id).await?;
            if server.status == status && server.task_state.is_none() {
                return Ok(server);
            }
            if server.status == "ERROR" {
                let fault = server.fault.map(|fault| fault.message).unwrap_or_default();
                return Err(wait.failed(format!("server {id} is in ERROR: {fault}")));
            }
            wait.pause(&server.status).await?;
        }
    }

    /// Waits until a server is gone.
    ///
    /// # Errors
    /// As [`Compute::server_wait`].
    async fn server_wait_gone(&self, id: &str, allowed: Duration) -> Result<(), OpenStackError> {
        let mut wait = Wait::new(question("server wait"), allowed);
        while let Some(server) = OpenStackError::or_absent(self.server_get(id).await)? {
            if server.status == "DELETED" {
                return Ok(());
            }
            wait.pause(&server.status).await?;
        }
        Ok(())
    }

    /// Waits until the guest no longer has a volume.
    ///
    /// # Errors
    /// [`OpenStackError::Unavailable`] when the time is over: a guest may refuse to let go.
    async fn volume_wait_detached(
        &self,
        id: &str,
        volume_id: &str,
        allowed: Duration,
    ) -> Result<(), OpenStackError> {
        let mut wait = Wait::new(question("volume wait"), allowed);
        let held = |attachments: Vec<VolumeAttachment>| {
            attachments.iter().any(|attachment| attachment.volume_id == volume_id)
        };
        while OpenStackError::or_absent(self.volume_attachments(id).await)?.is_some_and(held) {
            wait.pause("attached").await?;
        }
        Ok(())
    }
}

const fn question(operation: &'static str) -> Question {
    Question { service: nova::SERVICE_TYPE, operation }
}
