use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DriverError;

/// Where a disk lies, in its driver's own words.
///
/// A driver gives it out by `probe` or `connect` and gets it back by `open` and the snapshot
/// calls; to everybody else it is opaque. It is stored in the catalog, so a driver must go on
/// understanding what its earlier versions gave out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Location(pub Value);

impl Location {
    /// Makes a location of the driver's own type.
    ///
    /// # Errors
    /// `Internal` where the type has no JSON form.
    pub fn from_typed<T: Serialize>(value: &T) -> Result<Self, DriverError> {
        serde_json::to_value(value).map(Self).map_err(|source| {
            DriverError::internal("this location has no JSON form").with_source(source)
        })
    }

    /// Reads the location back into the driver's own type.
    ///
    /// # Errors
    /// `InvalidInput` where another driver, or nobody, made it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DriverError> {
        serde_json::from_value(self.0.clone()).map_err(|source| {
            DriverError::invalid_input("this location was not made by this driver")
                .with_source(source)
        })
    }
}
