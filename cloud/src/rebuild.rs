//! What restores ask of a cloud: what it would take to have a machine again, and to make it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firn_core::{DiskKind, DiskLocation, NewInstance, RestoreId, VolumeTarget};
use serde::{Deserialize, Serialize};

use crate::{CloudError, Grant, InstanceDetail};

/// Makes instances and volumes, in the name of whoever asked for a restore ([`Grant`]).
///
/// Everything that is made carries the restore's id, and making what is there already answers it: a
/// restore that was interrupted goes on, and one that failed finds what it has to remove. Every call
/// answers when what it asked for has happened, within a deadline.
#[async_trait]
pub trait Rebuild: Send + Sync {
    /// What a new instance would be: compares what the machine was with what the cloud has now and
    /// the grant's project may use. Nothing is made. What stands against it is in
    /// [`ServerPlan::problems`], all of it.
    ///
    /// # Errors
    /// `Unavailable`, and `Forbidden` where the grant is refused.
    async fn server_plan(
        &self,
        grant: &Grant,
        machine: &FormerMachine,
        wish: &NewInstance,
    ) -> Result<ServerPlan, CloudError>;

    /// What a volume for one disk would be, or which volume's content would be replaced. Nothing is
    /// made. As [`Rebuild::server_plan`].
    async fn volume_plan(
        &self,
        grant: &Grant,
        machine: &FormerMachine,
        wish: &VolumeTarget,
    ) -> Result<VolumePlan, CloudError>;

    /// Makes a port and answers its id.
    ///
    /// # Errors
    /// `Conflict` where an address has been taken since.
    async fn port_make(
        &self,
        grant: &Grant,
        restore: RestoreId,
        port: &PlannedPort,
    ) -> Result<String, CloudError>;

    /// Removes all ports of a restore. None is fine.
    async fn ports_remove(&self, grant: &Grant, restore: RestoreId) -> Result<(), CloudError>;

    /// Makes an empty volume and answers its id when it is available.
    async fn volume_make(
        &self,
        grant: &Grant,
        restore: RestoreId,
        volume: &PlannedVolume,
    ) -> Result<String, CloudError>;

    /// Removes all volumes of a restore. None is fine.
    async fn volumes_remove(&self, grant: &Grant, restore: RestoreId) -> Result<(), CloudError>;

    /// Gives a volume to this machine, so that nobody else can have it meanwhile, and says where its
    /// storage has it.
    ///
    /// # Errors
    /// `Conflict` where somebody has it already; `Unsupported` for storage that nobody here knows.
    async fn volume_attach(
        &self,
        restore: RestoreId,
        volume_id: &str,
    ) -> Result<DiskLocation, CloudError>;

    /// Gives a volume back; it is available again then. One that was not attached, or is gone, is
    /// fine.
    async fn volume_detach(&self, restore: RestoreId, volume_id: &str) -> Result<(), CloudError>;

    /// Makes an instance of what was planned and made, and answers its id when it runs.
    ///
    /// # Errors
    /// `Conflict` with the cloud's words where it does not come up.
    async fn server_make(
        &self,
        grant: &Grant,
        restore: RestoreId,
        plan: &PlannedServer,
        machine: &FormerMachine,
        parts: &ServerParts,
    ) -> Result<String, CloudError>;

    /// Removes the instance of a restore. None is fine.
    async fn server_remove(&self, grant: &Grant, restore: RestoreId) -> Result<(), CloudError>;

    /// Shuts an instance off. One that is off is fine.
    async fn server_stop(&self, server_id: &str) -> Result<(), CloudError>;

    /// Starts an instance. One that runs is fine.
    async fn server_start(&self, server_id: &str) -> Result<(), CloudError>;

    /// What the cloud calls the state of an instance that neither runs nor is off, such as one that is
    /// paused, rescued or being moved. None for one that does, or that is gone.
    async fn server_obstacle(&self, server_id: &str) -> Result<Option<String>, CloudError>;

    /// Locks an instance, so that its owner neither starts nor changes it while its disks are written.
    /// One that is locked already, by whomever, is fine and stays as it is.
    async fn server_lock(&self, restore: RestoreId, server_id: &str) -> Result<(), CloudError>;

    /// Ends the lock of a restore. None, one of somebody else's, and an instance that is gone are fine.
    async fn server_unlock(&self, restore: RestoreId, server_id: &str) -> Result<(), CloudError>;

    /// Ends the grant. One that has ended is fine.
    async fn grant_end(&self, grant: &Grant) -> Result<(), CloudError>;
}

/// A machine as its restore point has it.
#[derive(Clone, Debug)]
pub struct FormerMachine {
    /// The instance then.
    pub detail: InstanceDetail,
    /// Its disks that the point holds, in the order of the domain XML.
    pub disks: Vec<FormerDisk>,
}

/// A disk that a restore point holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerDisk {
    /// `vda`.
    pub device: String,
    /// What it was.
    pub kind: DiskKind,
    /// Size.
    pub size_bytes: u64,
}

/// A new instance, worked out. Shown to whoever asked, and kept in the job's journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPlan {
    /// The instance.
    pub server: PlannedServer,
    /// Its ports, in the order of its interfaces.
    pub ports: Vec<PlannedPort>,
    /// Its volumes, in the order of their devices.
    pub volumes: Vec<PlannedVolume>,
    /// What will be other than it was, one sentence each.
    pub changes: Vec<String>,
    /// Why it cannot be made, one sentence each that says what to do; none: it can.
    pub problems: Vec<String>,
}

/// The instance of a [`ServerPlan`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedServer {
    /// Its name.
    pub name: String,
    /// Id of its flavor.
    pub flavor_id: String,
    /// Name of its flavor.
    pub flavor_name: String,
    /// The image that Nova makes its root disk of; none: it boots from a volume.
    pub image_id: Option<String>,
    /// Sizes of the ephemeral disks that Nova makes, in GiB, in the order of their devices.
    pub ephemeral_gib: Vec<u64>,
    /// Its availability zone.
    pub availability_zone: Option<String>,
    /// Its keypair.
    pub key_name: Option<String>,
    /// Id of its server group.
    pub server_group_id: Option<String>,
    /// It gets a configuration drive.
    pub config_drive: bool,
    /// Its owner's key and value pairs.
    pub metadata: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its description.
    pub description: Option<String>,
}

/// A port of a [`ServerPlan`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPort {
    /// The port that it takes the place of.
    pub former_id: String,
    /// Its name.
    pub name: String,
    /// Its network.
    pub network_id: String,
    /// Its MAC address; none: a new one.
    pub mac: Option<String>,
    /// Its fixed addresses; none: new ones.
    pub addresses: Vec<firn_core::PortAddress>,
    /// Ids of its security groups; `None`: the project's default group.
    pub security_groups: Option<Vec<String>>,
    /// No security groups and no protection against spoofing.
    #[serde(default)]
    pub open: bool,
    /// Further addresses it may send from.
    #[serde(default)]
    pub allowed_address_pairs: Vec<BTreeMap<String, String>>,
    /// How it is plugged; none: as Neutron does by itself.
    #[serde(default)]
    pub vnic_type: Option<String>,
    /// The tag that the guest finds it by.
    pub tag: Option<String>,
}

/// A volume to make for a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedVolume {
    /// The disk, by its device in the restore point.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Its size: that of the disk, in whole GiB.
    pub size_gib: u64,
    /// Its type; none: Cinder's default.
    pub volume_type: Option<String>,
    /// Its availability zone; none: Cinder's default.
    pub availability_zone: Option<String>,
    /// Servers can boot from it.
    pub bootable: bool,
    /// The server boots from it.
    pub boots: bool,
    /// It goes with the server.
    pub delete_on_termination: bool,
    /// The tag that the guest finds it by.
    pub tag: Option<String>,
    /// Its owner's key and value pairs.
    pub metadata: BTreeMap<String, String>,
    /// Properties of the image that it was made of.
    pub image_metadata: BTreeMap<String, String>,
}

/// What becomes of one disk, worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePlan {
    /// The volume to make, or to write to.
    pub volume: VolumeUse,
    /// As [`ServerPlan::changes`].
    pub changes: Vec<String>,
    /// As [`ServerPlan::problems`].
    pub problems: Vec<String>,
}

/// Where one disk's content goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "use", rename_all = "snake_case")]
pub enum VolumeUse {
    /// A new volume.
    Make(PlannedVolume),
    /// The volume with this id, whose content is replaced. It is available, in the grant's project,
    /// and at least as large as the disk.
    Replace {
        /// Its id.
        id: String,
        /// The disk, by its device in the restore point.
        device: String,
    },
}

/// What was made for an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerParts {
    /// Ids of the ports, in the order of the plan.
    pub ports: Vec<String>,
    /// The volumes with their ids, in the order of the plan.
    pub volumes: Vec<(PlannedVolume, String)>,
}
