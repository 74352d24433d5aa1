use serde::Deserialize;

/// A process of Cinder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VolumeService {
    /// `cinder-volume`, `cinder-scheduler`, `cinder-backup`.
    pub binary: String,
    /// `node@backend` for a `cinder-volume`.
    pub host: String,
    /// Availability zone.
    #[serde(default)]
    pub zone: Option<String>,
    status: String,
    state: String,
}

impl VolumeService {
    /// Whether it beats.
    pub fn is_up(&self) -> bool {
        self.state == "up"
    }

    /// Whether new volumes may be placed there.
    pub fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }
}
