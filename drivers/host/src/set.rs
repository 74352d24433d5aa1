use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use firn_driver_sdk::{Config, DiskLocation, Driver, Probe};

use crate::{LoadError, LoadedDriver, ProbeError};

/// The drivers an operator enabled, loaded or disabled with a reason.
#[derive(Debug, Default)]
pub struct DriverSet {
    entries: Vec<DriverEntry>,
}

/// One enabled driver.
#[derive(Clone, Debug)]
pub struct DriverEntry {
    /// As enabled.
    pub name: String,
    /// What became of it.
    pub state: DriverState,
}

/// What became of an enabled driver.
#[derive(Clone, Debug)]
pub enum DriverState {
    /// It can be used.
    Loaded(Arc<LoadedDriver>),
    /// It cannot.
    Disabled {
        /// Why; [`LoadError::chain`] makes one line of it.
        reason: Arc<LoadError>,
    },
}

impl DriverSet {
    /// Loads every driver of `enabled` from `driver_path`, with its configuration or an empty one.
    /// Never fails as a whole; what fails is logged and disabled.
    pub fn load(driver_path: &Path, enabled: &[String], configs: &HashMap<String, Config>) -> Self {
        let mut seen = HashSet::new();
        let entries = enabled
            .iter()
            .filter(|name| seen.insert(name.as_str()))
            .map(|name| {
                let config = configs.get(name).cloned().unwrap_or_default();
                let state = match LoadedDriver::load(driver_path, name, &config) {
                    Ok(driver) => {
                        let version = driver.descriptor().version;
                        tracing::info!(driver = %name, %version, "loaded a storage driver");
                        DriverState::Loaded(Arc::new(driver))
                    }
                    Err(reason) => {
                        let why = reason.chain();
                        tracing::error!(driver = %name, reason = %why, "disabled a storage driver");
                        DriverState::Disabled { reason: Arc::new(reason) }
                    }
                };
                DriverEntry { name: name.clone(), state }
            })
            .collect();
        Self { entries }
    }

    /// All enabled drivers, in the order they were enabled in.
    pub fn drivers(&self) -> &[DriverEntry] {
        &self.entries
    }

    /// The driver of that name.
    ///
    /// # Errors
    /// `NotEnabled`, or `Disabled` with the reason.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Driver>, LoadError> {
        let name = name.to_owned();
        match self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.state) {
            Some(DriverState::Loaded(driver)) => Ok(Arc::clone(driver) as Arc<dyn Driver>),
            Some(DriverState::Disabled { reason }) => {
                Err(LoadError::Disabled { name, source: Arc::clone(reason) })
            }
            None => Err(LoadError::NotEnabled { name }),
        }
    }

    /// Finds the driver of a disk: the first that says it is its own, with what it says.
    ///
    /// # Errors
    /// `Failed` with the first driver's reason where one failed and no other wants the disk;
    /// otherwise `NoDriver`.
    pub fn probe(&self, location: &DiskLocation) -> Result<(String, Probe), ProbeError> {
        let (mut asked, mut disabled, mut failed) = (Vec::new(), Vec::new(), None);
        for DriverEntry { name, state } in &self.entries {
            match state {
                DriverState::Disabled { .. } => disabled.push(name.clone()),
                DriverState::Loaded(driver) => match driver.probe(location) {
                    Ok(Some(probe)) => return Ok((name.clone(), probe)),
                    Ok(None) => asked.push(name.clone()),
                    Err(source) => {
                        failed.get_or_insert(ProbeError::Failed { driver: name.clone(), source });
                    }
                },
            }
        }
        Err(failed.unwrap_or(ProbeError::NoDriver { asked, disabled }))
    }
}
