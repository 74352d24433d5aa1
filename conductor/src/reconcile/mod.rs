//! Finds and removes what dead jobs left behind, and reports how the repository is. One file a kind of
//! leftover.

mod left_disks;
pub(crate) mod left_keeps;
mod partial_restores;
mod storages;
mod usage;
mod volume_snapshots;
mod wanted_disks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_core::RepositoryId;

pub(crate) use self::left_disks::is_of_server;
use crate::services::Services;
use crate::stop::Stop;

/// Between two looks for what is left in the cloud, which costs it a list.
const VOLUMES_INTERVAL: Duration = Duration::from_secs(60);

/// Looks around at every interval until `shutdown`.
pub(crate) async fn run(services: Arc<Services>, repository: RepositoryId, shutdown: Stop) {
    // Beside the others: removing a large disk takes minutes.
    tokio::join!(
        left_disks::run(&services, &shutdown),
        left_keeps::run(&services, &shutdown),
        wanted_disks::run(&services, &shutdown),
        look_around(&services, repository, &shutdown),
    );
}

async fn look_around(services: &Arc<Services>, repository: RepositoryId, shutdown: &Stop) {
    let mut volumes_at = Instant::now();
    loop {
        if Instant::now() >= volumes_at {
            volume_snapshots::remove(services).await;
            volumes_at = Instant::now() + VOLUMES_INTERVAL;
        }
        if let Err(error) = partial_restores::remove(services).await {
            tracing::warn!(%error, "cannot look for partial restores");
        }
        usage::report(services, repository).await;
        if shutdown.within(services.config.reconcile_interval).await {
            return;
        }
    }
}
