//! What the cloud and the drivers together know of an instance's disks.

use std::collections::HashSet;
use std::sync::Arc;

use firn_cloud::InstanceDetail;
use firn_core::{Disk, ErrorKind, InstanceId, chain};
use firn_driver_host::ProbeError;
use firn_driver_sdk::Probe;

use crate::saga::{JobError, SnapshotBy};
use crate::services::Services;

/// A disk and what its driver says of it, or why there is nothing to say.
pub(crate) struct ProbedDisk {
    pub(crate) disk: Disk,
    /// Who takes its snapshot.
    pub(crate) snapshot_by: SnapshotBy,
    pub(crate) probe: Result<(String, Probe), ProbeError>,
}

/// Asks the cloud for an instance.
pub(crate) async fn instance(
    services: &Services,
    id: InstanceId,
) -> Result<InstanceDetail, JobError> {
    let asked = services.cloud.instance_get(id);
    match tokio::time::timeout(services.config.probe_deadline, asked).await {
        Ok(Ok(detail)) => Ok(detail),
        Ok(Err(error)) => Err(JobError::new(error.kind(), chain(&error))),
        Err(_) => Err(late(services, "the cloud")),
    }
}

/// Asks the drivers for each of an instance's `disks`. Storage that hangs costs the deadline, not
/// the service.
pub(crate) async fn probe(
    services: &Services,
    instance: &InstanceDetail,
    disks: &[Disk],
) -> Result<Vec<ProbedDisk>, JobError> {
    let drivers = Arc::clone(&services.drivers);
    let volumes: HashSet<_> = match (&services.volume_snapshots, &instance.machine.openstack) {
        (Some(_), Some(server)) => server.volumes.iter().map(|one| one.id.clone()).collect(),
        _ => HashSet::new(),
    };
    let disks = disks.to_vec();
    let probing = tokio::task::spawn_blocking(move || {
        let probe = |disk: Disk| {
            let probe = drivers.probe(&disk.location);
            let driver = probe.as_ref().ok().and_then(|(name, _)| drivers.get(name).ok());
            let able = driver.is_some_and(|driver| driver.capabilities().snapshots);
            ProbedDisk { snapshot_by: SnapshotBy::choose(&disk, &volumes, able), disk, probe }
        };
        disks.into_iter().map(probe).collect()
    });
    match tokio::time::timeout(services.config.probe_deadline, probing).await {
        Ok(Ok(disks)) => Ok(disks),
        Ok(Err(error)) => Err(JobError::from_chain(ErrorKind::Internal, "probing disks", &error)),
        Err(_) => Err(late(services, "a storage driver")),
    }
}

fn late(services: &Services, who: &str) -> JobError {
    let seconds = services.config.probe_deadline.as_secs();
    JobError::new(ErrorKind::Unavailable, format!("{who} did not answer within {seconds} s"))
}
