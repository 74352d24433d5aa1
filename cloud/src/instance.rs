use std::collections::BTreeMap;

use firn_core::{Instance, InstanceId, MachineIdentity, PowerState, ProjectId};
use serde::{Deserialize, Serialize};

/// An instance in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSummary {
    /// Its UUID.
    pub id: InstanceId,
    /// Its name, not unique.
    pub name: String,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Whether it runs.
    pub power_state: PowerState,
    /// Its owner's metadata; `None` where lists do not tell it.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// An instance with all that a restore point records of it. Its JSON form is kept in restore
/// points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceDetail {
    /// The instance with its disks and its domain XML.
    pub instance: Instance,
    /// What is needed to rebuild the machine around the disks.
    pub machine: MachineIdentity,
    /// The host whose hypervisor has it, where the cloud has more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl InstanceDetail {
    /// The same instance as it stands in a list.
    pub fn summary(&self) -> InstanceSummary {
        InstanceSummary {
            id: self.instance.id,
            name: self.instance.name.clone(),
            project_id: self.instance.project_id.clone(),
            power_state: self.instance.power_state,
            metadata: Some(self.machine.metadata.clone()),
        }
    }
}
