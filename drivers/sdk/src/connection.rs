use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Location;

/// What this machine is to centralized storage: what a LUN is mapped to.
///
/// A driver fills in what its protocol needs and leaves the rest empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connector {
    /// This machine's name.
    pub host: String,
    /// Address on the storage network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// iSCSI qualified name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// Fibre Channel port names: 16 lower-case hexadecimal digits each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wwpns: Vec<String>,
    /// Fibre Channel node names, written as the port names are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wwnns: Vec<String>,
    /// Whether several paths to one LUN may be given.
    pub multipath: bool,
}

/// How to reach a LUN that was mapped to this machine: Cinder's connection information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionInfo {
    /// Version of the shape of `data`; 1 today.
    pub version: u32,
    /// Cinder's `driver_volume_type`: `iscsi`, `fibre_channel`, `rbd`.
    pub protocol: String,
    /// The protocol's own fields. May hold secrets: never logged.
    pub data: Value,
}

/// A connection that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// What to open.
    pub location: Location,
}
