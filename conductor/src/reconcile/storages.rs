use std::sync::Arc;

use firn_core::chain;
use firn_driver_host::LoadError;
use firn_driver_sdk::{Driver, DriverError};

use crate::services::Services;

/// Finds a loaded driver by its name.
type DriverOf = dyn Fn(&str) -> Result<Arc<dyn Driver>, LoadError> + Send + Sync;

/// The storages, as looks around ask them.
pub(super) struct Storages(Box<DriverOf>);

impl Storages {
    pub(super) fn of(services: &Services) -> Self {
        let drivers = Arc::clone(&services.drivers);
        Self(Box::new(move |name| drivers.get(name)))
    }

    /// Makes calls of a driver away from the async threads: a large disk takes its time.
    ///
    /// # Errors
    /// The driver's, in words.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        driver: &str,
        calls: impl FnOnce(&dyn Driver) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, String> {
        let driver = (self.0)(driver).map_err(|error| chain(&error))?;
        match tokio::task::spawn_blocking(move || calls(driver.as_ref())).await {
            Ok(answer) => answer.map_err(|error| chain(&error)),
            Err(error) => Err(chain(&error)),
        }
    }
}

#[cfg(test)]
impl<D: Driver + 'static> From<&Arc<D>> for Storages {
    /// Of one storage, whatever its driver is called.
    fn from(driver: &Arc<D>) -> Self {
        let driver = Arc::clone(driver);
        Self(Box::new(move |_| Ok(Arc::clone(&driver) as Arc<dyn Driver>)))
    }
}
