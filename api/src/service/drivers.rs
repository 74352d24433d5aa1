use serde::Deserialize;
use serde_json::json;

use crate::http::{ApiError, Call};
use crate::wire::DriverView;

#[derive(Deserialize)]
struct Drivers {
    drivers: Vec<DriverView>,
}

impl Call {
    /// The drivers of one conductor, in the order they were enabled in. All conductors of an
    /// installation are meant to have the same.
    pub(crate) async fn driver_list(&self) -> Result<Vec<DriverView>, ApiError> {
        let Drivers { drivers } = self.ask_conductor("driver.list", json!({})).await?;
        Ok(drivers)
    }
}
