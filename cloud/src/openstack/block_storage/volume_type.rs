use std::collections::BTreeMap;

use serde::Deserialize;

/// A volume type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VolumeType {
    /// UUID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Everybody may use it.
    #[serde(default)]
    pub is_public: bool,
    /// What it demands of a backend; for administrators.
    #[serde(default)]
    pub extra_specs: BTreeMap<String, String>,
}

impl VolumeType {
    /// The backend that its volumes must be on, where it names one.
    pub fn backend_name(&self) -> Option<&str> {
        self.extra_specs.get("volume_backend_name").map(String::as_str)
    }
}
