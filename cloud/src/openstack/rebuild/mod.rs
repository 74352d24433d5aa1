//! Instances and volumes made for restores.
//!
//! What a restore makes is made in the name of its owner, by a Keystone trust: it belongs to them
//! and counts against their quota, and they can have nothing made that they may not make. What
//! needs more rights than theirs is done by the service user: ports with chosen addresses, volumes
//! attached to nobody's server, and looking and removing, which must work when the trust does not.

mod attach;
mod facts;
mod former;
mod marks;
mod owners;
mod plan;
mod ports;
mod servers;
mod volumes;

use std::time::Duration;

use async_trait::async_trait;
use firn_core::{DiskLocation, NewInstance, RestoreId, VolumeTarget};

use self::facts::{Facts, StorageFacts};
use self::former::{Former, OldDisk};
use self::owners::Owners;
use super::identity::Trusts;
use super::{OpenStackError, Services, ServicesOptions};
use crate::{
    CloudError, FormerMachine, Grant, PlannedPort, PlannedServer, PlannedVolume, Rebuild,
    ServerParts, ServerPlan, VolumePlan,
};

/// How long a service may take for one thing. A guest that is asked to shut down, and a storage that
/// makes or empties a volume, are the slowest.
const PATIENCE: Duration = Duration::from_secs(600);

/// Restores to an OpenStack.
pub struct OpenStackRebuild {
    admin: Services,
    owners: Owners,
}

impl OpenStackRebuild {
    /// Restores as the service user, whose `admin` services need the role admin, and as those who
    /// trust it. `options` say how the owners' services are found: as `admin`'s.
    pub fn new(admin: Services, trusts: Trusts, options: ServicesOptions) -> Self {
        Self { admin, owners: Owners::new(trusts, options) }
    }
}

#[async_trait]
impl Rebuild for OpenStackRebuild {
    async fn server_plan(
        &self,
        grant: &Grant,
        machine: &FormerMachine,
        wish: &NewInstance,
    ) -> Result<ServerPlan, CloudError> {
        let owner = self.owners.services(grant)?;
        let Some(former) = Former::of(machine) else {
            let problems = vec![former::UNKNOWN.to_owned()];
            return Ok(ServerPlan { problems, ..ServerPlan::default() });
        };
        let facts = Facts::gather(&self.admin, &owner, grant, former, wish).await;
        Ok(plan::server(&facts.map_err(refused)?, former, wish))
    }

    async fn volume_plan(
        &self,
        grant: &Grant,
        machine: &FormerMachine,
        wish: &VolumeTarget,
    ) -> Result<VolumePlan, CloudError> {
        let owner = self.owners.services(grant)?;
        if let Some(id) = &wish.volume_id {
            let volume = self.admin.block_storage.volume_get(id).await;
            let volume = OpenStackError::or_absent(volume).map_err(refused)?;
            let project = &grant.project_id;
            return Ok(plan::replaced_volume(volume.as_ref(), project, machine, wish, id));
        }
        let disk = machine.disks.iter().find(|disk| disk.device == wish.device);
        let wanted = disk.map(|disk| OldDisk::of(machine, disk).lone_volume_type(wish));
        let (admin, owner) = (self.admin.block_storage.as_ref(), owner.block_storage.as_ref());
        let facts = StorageFacts::gather(admin, owner, wanted.into_iter().collect()).await;
        Ok(plan::new_volume(&facts.map_err(refused)?, machine, wish))
    }

    async fn port_make(
        &self,
        grant: &Grant,
        restore: RestoreId,
        port: &PlannedPort,
    ) -> Result<String, CloudError> {
        let network = self.admin.network.as_ref();
        ports::make(network, grant, restore, port).await.map_err(refused)
    }

    async fn ports_remove(&self, grant: &Grant, restore: RestoreId) -> Result<(), CloudError> {
        let network = self.admin.network.as_ref();
        ports::remove(network, &grant.project_id, restore).await.map_err(refused)
    }

    async fn volume_make(
        &self,
        grant: &Grant,
        restore: RestoreId,
        volume: &PlannedVolume,
    ) -> Result<String, CloudError> {
        let owner = self.owners.services(grant)?.block_storage;
        let admin = self.admin.block_storage.as_ref();
        volumes::make(admin, owner.as_ref(), grant, restore, volume).await.map_err(refused)
    }

    async fn volumes_remove(&self, grant: &Grant, restore: RestoreId) -> Result<(), CloudError> {
        let admin = self.admin.block_storage.as_ref();
        volumes::remove(admin, &grant.project_id, restore).await.map_err(refused)
    }

    async fn volume_attach(
        &self,
        restore: RestoreId,
        volume_id: &str,
    ) -> Result<DiskLocation, CloudError> {
        attach::attach(self.admin.block_storage.as_ref(), restore, volume_id).await
    }

    async fn volume_detach(&self, restore: RestoreId, volume_id: &str) -> Result<(), CloudError> {
        let admin = self.admin.block_storage.as_ref();
        attach::detach(admin, restore, volume_id).await.map_err(refused)
    }

    async fn server_make(
        &self,
        grant: &Grant,
        restore: RestoreId,
        plan: &PlannedServer,
        machine: &FormerMachine,
        parts: &ServerParts,
    ) -> Result<String, CloudError> {
        let owner = self.owners.services(grant)?.compute;
        let admin = self.admin.compute.as_ref();
        let wanted = servers::wanted(restore, plan, machine, parts);
        servers::make(admin, owner.as_ref(), grant, restore, &wanted).await.map_err(refused)
    }

    async fn server_remove(&self, grant: &Grant, restore: RestoreId) -> Result<(), CloudError> {
        let admin = self.admin.compute.as_ref();
        servers::remove(admin, &grant.project_id, restore).await.map_err(refused)
    }

    async fn server_stop(&self, server_id: &str) -> Result<(), CloudError> {
        servers::stop(self.admin.compute.as_ref(), server_id).await.map_err(refused)
    }

    async fn server_start(&self, server_id: &str) -> Result<(), CloudError> {
        servers::start(self.admin.compute.as_ref(), server_id).await.map_err(refused)
    }

    async fn server_obstacle(&self, server_id: &str) -> Result<Option<String>, CloudError> {
        servers::obstacle(self.admin.compute.as_ref(), server_id).await.map_err(refused)
    }

    async fn server_lock(&self, restore: RestoreId, server_id: &str) -> Result<(), CloudError> {
        let admin = self.admin.compute.as_ref();
        servers::lock(admin, restore, server_id).await.map_err(refused)
    }

    async fn server_unlock(&self, restore: RestoreId, server_id: &str) -> Result<(), CloudError> {
        let admin = self.admin.compute.as_ref();
        servers::unlock(admin, restore, server_id).await.map_err(refused)
    }

    async fn grant_end(&self, grant: &Grant) -> Result<(), CloudError> {
        self.owners.end(grant).await
    }
}

fn refused(error: OpenStackError) -> CloudError {
    CloudError::Refused { kind: error.kind(), source: Box::new(error) }
}
