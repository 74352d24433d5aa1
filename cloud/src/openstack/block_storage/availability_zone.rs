use serde::Deserialize;

/// An availability zone, in Cinder's form.
#[derive(Deserialize)]
pub(super) struct AvailabilityZone {
    #[serde(rename = "zoneName")]
    pub(super) name: String,
    #[serde(rename = "zoneState")]
    pub(super) state: ZoneState,
}

/// Whether there is a backend in it that takes volumes.
#[derive(Deserialize)]
pub(super) struct ZoneState {
    pub(super) available: bool,
}
