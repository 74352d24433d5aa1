//! Gives free the disks that a cloud is about to remove. Nova removes the RBD images of a server that
//! is deleted or built anew, and cannot while they have a snapshot of ours. It tries for a minute;
//! then it leaves the images of a deleted server ([`crate::left_disks`] removes those), and starts
//! a rebuilt one on the old image, as if nothing had been asked. So in that minute the snapshots go.
//!
//! The next incremental backup reads all that is allocated. A backup that reads such a snapshot now
//! fails, as its server is no longer what it was.

use std::sync::Arc;
use std::time::Duration;

use firn_cloud::Cloud;
use firn_core::{ErrorKind, chain};
use firn_db::{Base, Database};
use firn_driver_sdk::{Driver, DriverError, Location};

use crate::services::{DriverOf, Services};
use crate::stop::Stop;

/// Between two looks: a few of them in the minute that Nova tries.
const INTERVAL: Duration = Duration::from_secs(10);

/// Looks around until `shutdown`, where the cloud can tell.
pub(crate) async fn run(services: Arc<Services>, shutdown: Stop) {
    if services.volume_snapshots.is_none() {
        return;
    }
    let drivers = Arc::clone(&services.drivers);
    let look = Look {
        database: &services.database,
        cloud: services.cloud.as_ref(),
        driver: Box::new(move |name| drivers.get(name)),
    };
    loop {
        if let Err(error) = look.turn().await {
            tracing::warn!(error, "cannot look for disks that are about to be removed");
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = shutdown.requested() => return,
        }
    }
}

/// What a look around needs.
struct Look<'a> {
    database: &'a Database,
    cloud: &'a dyn Cloud,
    driver: Box<DriverOf>,
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
        match self.remove_snapshots(base).await {
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

    /// Away from the async threads. The error is for people.
    async fn remove_snapshots(&self, base: Base) -> Result<usize, String> {
        let driver = (self.driver)(&base.driver).map_err(|error| chain(&error))?;
        let work = move || remove_snapshots(driver.as_ref(), &base);
        match tokio::task::spawn_blocking(work).await {
            Ok(removed) => removed.map_err(|error| chain(&error)),
            Err(error) => Err(chain(&error)),
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
