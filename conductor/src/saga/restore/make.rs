//! What a restore makes in the cloud. Making what is there already finds it again, by the restore's
//! id; so does removing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firn_cloud::{PlannedVolume, ServerParts};
use firn_core::ErrorKind;
use serde_json::{Value, json};

use super::plan::{CloudRestore, PLAN, Planned, refused};
use crate::saga::transfer::journaled;
use crate::saga::{JobContext, JobError, Step};

pub(super) const PORTS: &str = "make_ports";
pub(super) const VOLUMES: &str = "make_volumes";
pub(super) const SERVER: &str = "make_server";

/// Ids of the volumes that were made, by the devices of the disks that they are for.
pub(super) type MadeVolumes = BTreeMap<String, String>;

/// Makes the ports of a new instance.
pub(super) struct MakePorts(pub(super) CloudRestore);

#[async_trait]
impl Step for MakePorts {
    fn name(&self) -> &'static str {
        PORTS
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let CloudRestore { cloud, grant, id, .. } = &self.0;
        let Planned::Server(plan) = context.output(PLAN)? else { return Ok(json!([])) };
        let mut ids = Vec::with_capacity(plan.ports.len());
        for port in &plan.ports {
            ids.push(cloud.port_make(grant, *id, port).await.map_err(refused("making a port"))?);
        }
        journaled(&ids)
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let CloudRestore { cloud, grant, id, .. } = &self.0;
        cloud.ports_remove(grant, *id).await.map_err(refused("removing ports"))
    }
}

/// Makes the new volumes, empty.
pub(super) struct MakeVolumes(pub(super) CloudRestore);

#[async_trait]
impl Step for MakeVolumes {
    fn name(&self) -> &'static str {
        VOLUMES
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let CloudRestore { cloud, grant, id, .. } = &self.0;
        let planned: Planned = context.output(PLAN)?;
        let mut made = MadeVolumes::new();
        for volume in planned.volumes() {
            let refused = refused("making a volume");
            let volume_id = cloud.volume_make(grant, *id, volume).await.map_err(refused)?;
            made.insert(volume.device.clone(), volume_id);
        }
        journaled(&made)
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let CloudRestore { cloud, grant, id, .. } = &self.0;
        cloud.volumes_remove(grant, *id).await.map_err(refused("removing volumes"))
    }
}

/// Makes the new instance; it runs when this is done.
pub(super) struct MakeServer(pub(super) CloudRestore);

#[async_trait]
impl Step for MakeServer {
    fn name(&self) -> &'static str {
        SERVER
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let CloudRestore { cloud, grant, id, .. } = &self.0;
        let Planned::Server(plan) = context.output(PLAN)? else {
            return Err(JobError::new(ErrorKind::Internal, "no server was planned"));
        };
        let mut made: MadeVolumes = context.output(VOLUMES)?;
        let with_id = |volume: PlannedVolume| Some((made.remove(&volume.device)?, volume));
        let volumes = plan.volumes.iter().cloned().filter_map(with_id);
        let volumes = volumes.map(|(id, volume)| (volume, id)).collect();
        let parts = ServerParts { ports: context.output(PORTS)?, volumes };
        let machine = self.0.machine().await?;
        let server = cloud.server_make(grant, *id, &plan.server, &machine, &parts).await;
        journaled(&server.map_err(refused("making the instance"))?)
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let CloudRestore { cloud, grant, id, .. } = &self.0;
        cloud.server_remove(grant, *id).await.map_err(refused("removing the instance"))
    }
}
