use serde::{Deserialize, Serialize};

use crate::{Disk, InstanceId, ProjectId};

/// Whether a guest is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// The guest runs (or is paused): its disks may be written to.
    Running,
    /// The guest is off: nobody writes to its disks.
    ShutOff,
    /// Nobody could be asked.
    Unknown,
}

/// An instance, with what is needed to rebuild it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its UUID.
    pub id: InstanceId,
    /// Its name, not unique.
    pub name: String,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Whether it runs.
    pub power_state: PowerState,
    /// The disks, in the order of the domain XML, without empty and optical drives.
    pub disks: Vec<Disk>,
    /// The libvirt domain XML, as the host gave it.
    pub domain_xml: String,
}
