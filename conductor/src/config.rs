use std::path::PathBuf;
use std::time::Duration;

use firn_db::JobLimits;

use crate::worker::protocol::{DriverAccess, Limits, RepositoryAccess};
use crate::worker::{Bandwidth, WorkerCommand};

/// What a conductor is told about its machine and its service.
#[derive(Clone, Debug)]
pub struct ConductorConfig {
    /// Name of this conductor, unique in the service and stable over restarts.
    pub host: String,
    /// How a worker is started.
    pub worker: WorkerCommand,
    /// Storage drivers.
    pub drivers: DriverAccess,
    /// The repository that points are written to.
    pub repository: RepositoryAccess,
    /// Where restores to files go: one folder a restore.
    pub restores_dir: PathBuf,
    /// What one worker may use.
    pub limits: Limits,
    /// How fast all workers together may read disks.
    pub bandwidth: Bandwidth,
    /// How many jobs run here at once.
    pub concurrent_jobs: usize,
    /// How many jobs that use the same thing run at once in the whole service.
    pub job_limits: JobLimits,
    /// How long a job stays ours without a heartbeat; there are several in that time.
    pub lease: Duration,
    /// How often the database is searched for work that no message announced, and the machine
    /// for leftovers.
    pub reconcile_interval: Duration,
    /// How long questions to the cloud or to drivers may take.
    pub probe_deadline: Duration,
}
