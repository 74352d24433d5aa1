use std::time::Duration;

use firn_cloud::CloudError;
use firn_core::chain;
use firn_db::Scope;

use crate::services::Services;

/// How long the removal of one leftover is waited for.
const REMOVAL: Duration = Duration::from_secs(30);

/// The cloud's snapshots of jobs that have ended: what their own steps could not remove, because
/// the cloud was away or they died at the wrong moment. Those of jobs that nobody here knows may be
/// another service's.
pub(super) async fn remove(services: &Services) {
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
