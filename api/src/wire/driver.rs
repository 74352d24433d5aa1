use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The drivers of all conductors that are up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DriverListBody {
    pub(crate) drivers: Vec<DriverView>,
}

/// A storage driver that an operator enabled, as a conductor has it. A conductor may tell more
/// than is known here, which is left out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DriverView {
    #[schema(example = "file")]
    pub(crate) name: String,
    /// The conductor's host.
    pub(crate) host: String,
    pub(crate) status: DriverStatus,
    /// Who made it; `null` where it could not be loaded.
    pub(crate) vendor: Option<String>,
    pub(crate) version: Option<String>,
    /// Why it cannot be used.
    pub(crate) reason: Option<String>,
}

/// Whether a driver can be used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DriverStatus {
    Enabled,
    Disabled,
}
