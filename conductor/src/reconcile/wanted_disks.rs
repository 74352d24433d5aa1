//! Gives free the disks that a cloud is about to remove. Nova removes the RBD images of a server that
//! is deleted or built anew, and cannot while they have a snapshot of ours. It tries for a minute;
//! then it leaves the images of a deleted server ([`super::left_disks`] removes those), and starts
//! a rebuilt one on the old image, as if nothing had been asked. So in that minute the snapshots go.
//!
//! The next incremental backup reads all that is allocated. A backup that reads such a snapshot now
//! fails, as its server is no longer what it was.

use std::time::Duration;

use firn_cloud::Cloud;
use firn_core::{ErrorKind, chain};
use firn_db::{Base, Database};
use firn_driver_sdk::{Driver, DriverError, Location};

use super::storages::Storages;
use crate::services::Services;
use crate::stop::Stop;

/// Between two looks: a few of them in the minute that Nova tries.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks around until `shutdown`, where the cloud can tell.
pub(super) async fn run(services: &Services, shutdown: &Stop) {
    if services.volume_snapshots.is_none() {
        return;
    }
    let look = Look {
        database: &services.database,
        cloud: services.cloud.as_ref(),
        storages: Storages::of(services),
    };
    loop {
        if let Err(error) = look.turn().await {
            tracing::warn!(error, "cannot look for disks that are about to be removed");
        }
        if shutdown.within(INTERVAL).await {
            return;
        }
    }
}

/// What a look around needs.
struct Look<'a> {
    database: &'a Database,
    cloud: &'a dyn Cloud,
    storages: Storages,
}

impl Look<'_> {
    /// # Errors
    /// Why it cannot be told which disks these are, in words. What a storage says is logged.
    async fn turn(&self) -> Result<(), String> {
        let any = self.database.run(firn_db::base_any).await;
        if !any.map_err(|error| chain(&error))? {
            return Ok(());
        }
        let losing = self.cloud.instances_losing_disks().await.map_err(|error| chain(&error))?;
        if losing.is_empty() {
            return Ok(());
        }
        let bases = move |conn: &mut _| firn_db::base_list_of(conn, &losing);
        for base in self.database.run(bases).await.map_err(|error| chain(&error))? {
            self.give_free(base).await;
        }
        Ok(())
    }

    async fn give_free(&self, base: Base) {
        let (instance_id, disk) = (base.instance_id, base.location.clone());
        let driver = base.driver.clone();
        match self.storages.ask(&driver, move |driver| remove_snapshots(driver, &base)).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(
                %instance_id, %disk, removed,
                "removed our snapshots of a disk whose server is deleted or built anew"
            ),
            Err(error) => tracing::warn!(
                %instance_id, %disk, error,
                "our snapshots of a disk whose server is deleted or built anew stay for now"
            ),
        }
    }
}

fn remove_snapshots(driver: &dyn Driver, base: &Base) -> Result<usize, DriverError> {
    let location = Location(base.location.clone());
    let names = match driver.snapshot_list(&location) {
        // The disk is gone already.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        names => names?,
    };
    let mut removed = 0;
    for name in names.iter().filter(|name| name.starts_with(&base.snapshot_prefix)) {
        driver.snapshot_delete(&location, name)?;
        removed += 1;
    }
    Ok(removed)
}

#[cfg(test)]
#[path = "wanted_disks_tests.rs"]
mod tests;
