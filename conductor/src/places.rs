//! Finds out where the instances of waiting backups are, where limits count by it.

use chrono::Utc;
use firn_core::{InstanceId, chain};
use firn_db::JobPlaces;
use futures_util::future::join_all;

use crate::discover;
use crate::saga::JobError;
use crate::services::Services;

/// Backups that are looked at together.
const AT_ONCE: u32 = 16;

/// Looks for the oldest backups that nobody has looked for, and writes down what it finds.
pub(crate) async fn find(services: &Services) {
    let unknown = |conn: &mut _| firn_db::jobs_without_places(conn, Utc::now(), AT_ONCE);
    let waiting = match services.database.run(unknown).await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::warn!(error = chain(&error), "cannot look for waiting backups now");
            return;
        }
    };
    let looks = waiting.into_iter().map(|(job, instance)| async move {
        // What cannot be found now counts nowhere: its job itself will say what is wrong.
        let places = look(services, instance).await.unwrap_or_else(|error| {
            tracing::info!(job_id = %job, %error, "nobody knows where the instance is");
            JobPlaces::default()
        });
        let set = move |conn: &mut _| firn_db::job_places_set(conn, job, &places);
        if let Err(error) = services.database.run(set).await {
            tracing::warn!(job_id = %job, error = chain(&error), "a job's places were not written");
        }
    });
    join_all(looks).await;
}

async fn look(services: &Services, id: InstanceId) -> Result<JobPlaces, JobError> {
    let detail = discover::instance(services, id).await?;
    let disks = detail.instance.disks.iter().filter(|disk| disk.kind.protected());
    let disks: Vec<_> = disks.cloned().collect();
    let probed = discover::probe(services, &detail, &disks).await?;
    let storages = probed.into_iter().filter_map(|disk| Some(disk.probe.ok()?.1.storage));
    Ok(JobPlaces { hypervisor: detail.host, storages: storages.collect() })
}
