use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::DriverError;

/// A driver's own section of `firn.conf`, as a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Config(pub Value);

impl Config {
    /// Reads the section into the driver's own type.
    ///
    /// # Errors
    /// `InvalidInput`, with serde's words on the option that does not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DriverError> {
        serde_json::from_value(self.0.clone()).map_err(|source| {
            DriverError::invalid_input("correct the driver's section of the configuration")
                .with_source(source)
        })
    }
}

impl Default for Config {
    /// The empty section: every option at its default.
    fn default() -> Self {
        Self(Value::Object(serde_json::Map::new()))
    }
}
