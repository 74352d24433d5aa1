use std::path::{Path, PathBuf};

use firn_db::JobLimits;

oslo_config::options! {
    /// Conductors: how many jobs one runs, and what each may use.
    pub struct ConductorOptions in "conductor" {
        /// Who says which instances there are: Nova and Cinder together with the agents on the
        /// hypervisors, or the agents alone.
        pub cloud: String = "openstack", choices ["openstack", "agents"];
        /// Jobs that run here at once.
        pub concurrent_jobs: usize = 4, min 1, max 256;
        /// Jobs that read from one storage (a Ceph pool, a file system) at once, counted over all
        /// conductors; all of them should have the same limits. 0: any number.
        pub jobs_per_storage: u32 = 0, max 10_000;
        /// Jobs that back up instances of one hypervisor at once, over all conductors. 0: any number.
        pub jobs_per_hypervisor: u32 = 0, max 10_000;
        /// Jobs that use the repository at once, over all conductors. 0: any number.
        pub jobs_per_repository: u32 = 0, max 10_000;
        /// MiB a second that all backups of this conductor together may read. 0: no bound.
        pub bandwidth_mib: u64 = 0, max 1_000_000;
        /// Threads of one job that read, hash and compress. 0: one a processor.
        pub job_threads: usize = 0, max 64;
        /// Memory of one job, in MiB.
        pub job_memory_mib: u64 = 512, min 32;
        /// zstd level of backups.
        pub compression_level: i32 = 1, min 1, max 19;
        /// Seconds that a job stays with a conductor that says nothing; then another takes it
        /// over.
        pub lease_seconds: u64 = 15, min 5, max 600;
        /// Seconds between two looks for jobs that no message announced, and for leftovers.
        pub reconcile_interval: u64 = 10, min 1, max 3600;
        /// Seconds that the cloud or a storage driver may take for one answer.
        pub probe_deadline: u64 = 20, min 1, max 600;
        /// Seconds that running jobs have to end after SIGTERM; then they stop, and go on
        /// elsewhere or after the next start.
        pub graceful_shutdown_timeout: u64 = 60, max 86400;
        /// Seconds without a sign of life after which an agent counts as down.
        pub agent_down_time: u64 = 60, min 5, max 3600;
        /// Folder for sockets and index copies.
        pub state_path: PathBuf = "/var/lib/firn";
        /// Folder that restores to files go to, one folder each.
        pub restores_dir: PathBuf = "/var/lib/firn/restores";
    }
}

impl ConductorOptions {
    /// The limits that hold for the whole service.
    pub fn job_limits(&self) -> JobLimits {
        let limit = |number: u32| (number > 0).then_some(number);
        JobLimits {
            per_storage: limit(self.jobs_per_storage),
            per_hypervisor: limit(self.jobs_per_hypervisor),
            per_repository: limit(self.jobs_per_repository),
        }
    }
}

oslo_config::options! {
    /// Storage drivers.
    pub struct StorageOptions in "storage" {
        /// Names, in the order in which they are asked about a disk.
        pub enabled_drivers: Vec<String> = ["file"];
        /// Folder with the libfirn_driver_<name>.so files; only root may write to it.
        pub driver_path: PathBuf = "/usr/lib/firn/drivers";
    }
}

oslo_config::options! {
    /// Disks on Ceph, for the driver ceph.
    pub struct CephOptions in "ceph" {
        /// The ceph.conf of each cluster; or folders, where each *.conf is the one of a cluster.
        pub conf: Vec<PathBuf> = ["/etc/ceph/ceph.conf"];
        /// Whether agents are asked for fsid and monitors of the clusters that their hosts use.
        /// Those of conf come first.
        pub conf_from_agents: bool = true;
        /// Folder of the keyrings for clusters that agents tell of: FSID.client.USER.keyring, else
        /// ceph.client.USER.keyring.
        pub keyring_dir: PathBuf = "/etc/ceph";
        /// The cephx user that reads disks, without client.; rbd-read-only is all it needs. Its
        /// keyring is where the cluster's ceph.conf says.
        pub user: String = "firn-backup";
        /// The cephx user that takes, renames and removes snapshots. Without one, running
        /// instances whose disks are not volumes cannot be backed up, and incremental backups
        /// read all that is allocated.
        pub snapshot_user: Option<String>;
        /// The cephx user that writes disks in restores, and removes disks of deleted instances.
        /// Without one neither is done.
        pub write_user: Option<String>;
    }
}

impl CephOptions {
    /// As the driver takes them. `told`: the folder of what agents tell.
    pub fn driver_config(&self, told: &Path) -> serde_json::Value {
        let cluster = |conf: &Path| {
            serde_json::json!({
                "conf": conf,
                "user": self.user,
                "snapshot_user": self.snapshot_user,
                "write_user": self.write_user,
            })
        };
        let told = self.conf_from_agents.then_some(told);
        let clusters = self.conf.iter().map(PathBuf::as_path).chain(told).map(cluster);
        serde_json::json!({ "clusters": clusters.collect::<Vec<_>>() })
    }
}
