use firn_core::{ErrorKind, chain};
use firn_driver_sdk::{Driver, DriverError, Location};
use serde_json::Value;

use super::JobError;
use crate::services::Services;

/// Asks a driver about a disk, away from the async threads. Drivers have deadlines of their own.
pub(super) async fn ask_driver<T: Send + 'static>(
    services: &Services,
    name: &str,
    location: &Value,
    doing: &str,
    call: impl FnOnce(&dyn Driver, &Location) -> Result<T, DriverError> + Send + 'static,
) -> Result<T, JobError> {
    let driver = services
        .drivers
        .get(name)
        .map_err(|error| JobError::new(ErrorKind::Unavailable, chain(&error)))?;
    let location = Location(location.clone());
    match tokio::task::spawn_blocking(move || call(driver.as_ref(), &location)).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(JobError::from_chain(error.kind(), doing, &error)),
        Err(error) => Err(JobError::from_chain(ErrorKind::Internal, "asking a driver", &error)),
    }
}
