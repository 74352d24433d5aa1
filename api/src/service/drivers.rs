use firn_core::chain;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;

use crate::http::{ApiError, Call};
use crate::wire::{DriverView, ServiceKind, ServiceState, ServiceView};

const DRIVER_LIST: &str = "driver.list";

#[derive(Deserialize)]
struct Drivers {
    drivers: Vec<DriverView>,
}

impl Call {
    /// The drivers of every conductor that is up, by its host, in the order they were enabled in: a
    /// storage library may be missing on one of them. One that does not answer is left out.
    pub(crate) async fn driver_list(&self) -> Result<Vec<DriverView>, ApiError> {
        let up =
            |one: &ServiceView| one.kind == ServiceKind::Conductor && one.state == ServiceState::Up;
        let conductors = self.services().await?.into_iter().filter(up);
        let mut hosts: Vec<_> = conductors.map(|conductor| conductor.host).collect();
        hosts.sort();
        let asked = hosts.iter().map(|host| async move {
            let answer: Result<Drivers, _> =
                self.ask_conductor_of(host, DRIVER_LIST, json!({})).await;
            answer
                .inspect_err(|error| {
                    let error = chain(error);
                    tracing::warn!(host, error, "a conductor does not tell its drivers");
                })
                .ok()
        });
        let told: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        if told.is_empty() {
            // Of one from before hosts were asked, or with why none answers.
            let Drivers { drivers } = self.ask_conductor(DRIVER_LIST, json!({})).await?;
            return Ok(drivers);
        }
        Ok(told.into_iter().flat_map(|one| one.drivers).collect())
    }
}
