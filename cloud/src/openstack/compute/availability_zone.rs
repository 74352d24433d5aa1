use serde::Deserialize;

/// An availability zone, in Nova's form.
#[derive(Deserialize)]
pub(super) struct AvailabilityZone {
    #[serde(rename = "zoneName")]
    pub(super) name: String,
    #[serde(rename = "zoneState")]
    pub(super) state: ZoneState,
}

/// Whether there is a host in it that works.
#[derive(Deserialize)]
pub(super) struct ZoneState {
    pub(super) available: bool,
}
