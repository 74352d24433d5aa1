//! Finds and removes what dead jobs left behind, and reports how the repository is.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use firn_cloud::CloudError;
use firn_core::{ErrorKind, RepositoryId, RestoreId, RestoreState, chain};
use firn_db::{RepositoryUsage, Scope};

use crate::saga::{PARTIAL_PREFIX, in_repository};
use crate::services::Services;
use crate::stop::Stop;
use crate::{left_disks, wanted_disks};

/// How long the removal of one leftover is waited for.
const REMOVAL: Duration = Duration::from_secs(30);
/// Between two looks for what is left in the cloud, which costs it a list.
const VOLUMES_INTERVAL: Duration = Duration::from_secs(60);

/// Looks around at every interval until `shutdown`.
pub(crate) async fn run(services: Arc<Services>, repository: RepositoryId, shutdown: Stop) {
    // Beside the others: removing a large disk takes minutes.
    let left = left_disks::run(Arc::clone(&services), shutdown.clone());
    let wanted = wanted_disks::run(Arc::clone(&services), shutdown.clone());
    tokio::join!(left, wanted, look_around(services, repository, shutdown));
}

async fn look_around(services: Arc<Services>, repository: RepositoryId, shutdown: Stop) {
    let mut volumes_at = Instant::now();
    loop {
        if Instant::now() >= volumes_at {
            remove_volume_snapshots(&services).await;
            volumes_at = Instant::now() + VOLUMES_INTERVAL;
        }
        if let Err(error) = remove_partial_restores(&services).await {
            tracing::warn!(%error, "cannot look for partial restores");
        }
        report_usage(&services, repository).await;
        tokio::select! {
            () = tokio::time::sleep(services.config.reconcile_interval) => {}
            _ = shutdown.requested() => return,
        }
    }
}

/// The cloud's snapshots of jobs that have ended: what their own steps could not remove, because
/// the cloud was away or they died at the wrong moment. Those of jobs that nobody here knows may be
/// another service's.
async fn remove_volume_snapshots(services: &Services) {
    let Some(cloud) = &services.volume_snapshots else { return };
    let removed = async {
        for id in cloud.jobs().await? {
            let job = move |conn: &mut _| firn_db::job_get(conn, &Scope::All, id);
            if !services.database.run(job).await.is_ok_and(|job| job.state.finished()) {
                continue;
            }
            for snapshot in cloud.of_job(id).await? {
                let snapshot = snapshot.id;
                tracing::info!(job_id = %id, snapshot, "removing a leftover snapshot");
                // One that cannot be removed keeps nobody from the others.
                let removed = tokio::time::timeout(REMOVAL, cloud.remove(&snapshot)).await;
                match removed {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        let error = chain(&error);
                        tracing::warn!(job_id = %id, snapshot, error, "a leftover snapshot stays");
                    }
                    Err(_) => tracing::warn!(job_id = %id, snapshot, "its removal takes long"),
                }
            }
        }
        Ok::<_, CloudError>(())
    };
    if let Err(error) = removed.await {
        tracing::warn!(error = chain(&error), "cannot look for leftover snapshots now");
    }
}

/// A partial folder belongs to an unfinished restore, or to nobody.
async fn remove_partial_restores(services: &Services) -> io::Result<()> {
    let mut folders = tokio::fs::read_dir(&services.config.restores_dir).await?;
    while let Some(folder) = folders.next_entry().await? {
        let name = folder.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(PARTIAL_PREFIX));
        let Some(id) = id.and_then(|id| id.parse().ok()).map(RestoreId) else { continue };
        let restore = move |conn: &mut _| firn_db::restore_get(conn, &Scope::All, id);
        let orphan = match services.database.run(restore).await {
            Ok(restore) => restore.state != RestoreState::Restoring,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if orphan {
            tracing::info!(folder = %folder.path().display(), "removing a partial restore");
            tokio::fs::remove_dir_all(folder.path()).await?;
        }
    }
    Ok(())
}

async fn report_usage(services: &Arc<Services>, id: RepositoryId) {
    let space = rustix::fs::statvfs(&services.config.repository.path);
    let usage = in_repository(services, |repository| repository.usage()).await;
    let report = move |conn: &mut _| match (&usage, &space) {
        (Ok(usage), Ok(space)) => {
            let usage = RepositoryUsage {
                capacity_bytes: Some(space.f_blocks.saturating_mul(space.f_frsize)),
                free_bytes: Some(space.f_bavail.saturating_mul(space.f_frsize)),
                stored_bytes: Some(usage.stored_bytes),
                virtual_bytes: Some(usage.virtual_bytes),
            };
            firn_db::repository_report_usage(conn, id, &usage, Utc::now())
        }
        (Err(error), _) => {
            firn_db::repository_report_unavailable(conn, id, &error.message, Utc::now())
        }
        (_, Err(error)) => {
            firn_db::repository_report_unavailable(conn, id, &error.to_string(), Utc::now())
        }
    };
    if let Err(error) = services.database.run(report).await {
        tracing::warn!(error = chain(&error), "cannot report the repository's usage");
    }
}
