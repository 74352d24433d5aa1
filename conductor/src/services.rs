use std::collections::HashMap;
use std::sync::Arc;

use firn_cloud::{Cloud, Guests, Rebuild, VolumeSnapshots};
use firn_db::Database;
use firn_driver_host::DriverSet;
use firn_driver_sdk::Config;
use oslo_messaging::Notifier;

use crate::ConductorConfig;
use crate::worker::protocol::DriverAccess;

/// What the cloud does for jobs.
#[derive(Clone)]
pub struct CloudAccess {
    /// Which instances there are.
    pub cloud: Arc<dyn Cloud>,
    /// Where volumes have snapshots of their own service.
    pub volume_snapshots: Option<Arc<dyn VolumeSnapshots>>,
    /// Where running guests can be frozen.
    pub guests: Option<Arc<dyn Guests>>,
    /// Where instances and volumes can be made.
    pub rebuild: Option<Arc<dyn Rebuild>>,
}

impl CloudAccess {
    /// A cloud that only tells.
    pub fn read_only(cloud: Arc<dyn Cloud>) -> Self {
        Self { cloud, volume_snapshots: None, guests: None, rebuild: None }
    }
}

/// What jobs and answers need; one for the whole conductor.
pub(crate) struct Services {
    pub(crate) config: ConductorConfig,
    pub(crate) database: Database,
    pub(crate) cloud: Arc<dyn Cloud>,
    /// Where volumes have snapshots of their own service.
    pub(crate) volume_snapshots: Option<Arc<dyn VolumeSnapshots>>,
    /// Where running guests can be frozen.
    pub(crate) guests: Option<Arc<dyn Guests>>,
    /// Where instances and volumes can be made.
    pub(crate) rebuild: Option<Arc<dyn Rebuild>>,
    pub(crate) drivers: Arc<DriverSet>,
    pub(crate) notifier: Arc<dyn Notifier>,
}

impl Services {
    pub(crate) fn new(
        config: ConductorConfig,
        database: Database,
        access: CloudAccess,
        notifier: Arc<dyn Notifier>,
    ) -> Self {
        let drivers = Arc::new(load_drivers(&config.drivers));
        let CloudAccess { cloud, volume_snapshots, guests, rebuild } = access;
        Self { config, database, cloud, volume_snapshots, guests, rebuild, drivers, notifier }
    }
}

/// Loads the drivers that are enabled; one that cannot be loaded is missing, with a log line.
pub(crate) fn load_drivers(access: &DriverAccess) -> DriverSet {
    let config: HashMap<_, _> = access
        .config
        .iter()
        .map(|(name, section)| (name.clone(), Config(section.clone())))
        .collect();
    DriverSet::load(&access.path, &access.enabled, &config)
}
