//! What a conductor and its worker say to each other: one JSON object a line.
//!
//! The conductor writes a [`Task`], then [`Command`]s, to the worker's standard input; the worker
//! writes [`Event`]s to its standard output. Both ends are always the same build, so the format
//! has no versions. The end of standard input tells the worker that its conductor is gone.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use firn_cloud::InstanceDetail;
use firn_core::{BackupMode, Consistency, Disk, ErrorKind, JobId, PointId, ProjectId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The one thing a worker is started for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// The job it belongs to; also the id of its repository session.
    pub job_id: JobId,
    /// The repository it reads or writes.
    pub repository: RepositoryAccess,
    /// The drivers it may load.
    pub drivers: DriverAccess,
    /// What it may use of the machine.
    pub limits: Limits,
    /// What to do.
    pub work: Work,
}

/// How to open a repository. Secrets travel as the path of a file that only the service reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryAccess {
    /// Folder of the repository.
    pub path: PathBuf,
    /// File with the master key.
    pub key_file: PathBuf,
    /// Where index segments may be cached.
    pub cache_dir: PathBuf,
}

/// Where drivers are and which to load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverAccess {
    /// Folder with the `libfirn_driver_<name>.so` files.
    pub path: PathBuf,
    /// Names, in the order in which they are asked.
    pub enabled: Vec<String>,
    /// Each driver's section of the configuration.
    #[serde(default)]
    pub config: HashMap<String, Value>,
}

/// Bounds on what one worker uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Threads that read, hash and compress.
    pub threads: usize,
    /// Memory for data in flight and maps.
    pub memory_bytes: u64,
    /// zstd level.
    pub compression_level: i32,
    /// How fast disks may be read, until [`Command::Bandwidth`] says otherwise; `None`: as fast as
    /// they can be.
    #[serde(default)]
    pub bandwidth_bytes_per_second: Option<u64>,
}

/// What to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Work {
    /// Read an instance's disks into a new restore point.
    Backup(Box<Backup>),
    /// Write a restore point's disks.
    Restore(Restore),
    /// Give disks back what their snapshots hold.
    Revert(Revert),
    /// Read a restore point back and check it.
    Verify(Verify),
}

/// See [`Work::Backup`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backup {
    /// Id of the new point.
    pub point_id: PointId,
    /// Owner, and the domain inside which chunks are shared.
    pub project_id: ProjectId,
    /// The instance, as it is recorded.
    pub instance: InstanceDetail,
    /// The disks to read.
    pub disks: Vec<BackupDisk>,
    /// How much to read.
    pub mode: BackupMode,
    /// What the disks' state is worth.
    pub consistency: Consistency,
    /// The point whose unchanged content is taken over.
    pub parent_id: Option<PointId>,
    /// Devices of the instance that its owner left out; recorded, not read.
    #[serde(default)]
    pub excluded_disks: BTreeSet<String>,
    /// How fast the plan lets the disks be read, all together; `None`: as fast as they can be.
    #[serde(default)]
    pub bandwidth_bytes_per_second: Option<u64>,
}

/// One disk to read, with the driver that said it can.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupDisk {
    /// The disk.
    pub disk: Disk,
    /// Name of the driver.
    pub driver: String,
    /// The driver's own location, from its probe.
    pub location: Value,
    /// Size when probed, for planning; the size at opening counts.
    pub size_bytes: u64,
    /// The snapshot to read; `None`: the disk itself.
    #[serde(default)]
    pub snapshot: Option<String>,
}

/// See [`Work::Restore`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Restore {
    /// The point to read.
    pub point_id: PointId,
    /// Where to write.
    pub to: RestoreTo,
}

/// Where a restore writes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RestoreTo {
    /// New files.
    Folder {
        /// Folder that receives `<device>.raw`; it is emptied first.
        path: PathBuf,
    },
    /// Disks that are there, each at least as large as the point's of that name; what the point has
    /// beyond them is not written.
    Disks {
        /// Where they lie.
        disks: Vec<TargetDisk>,
    },
}

/// A disk to write to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetDisk {
    /// Its device in the restore point.
    pub device: String,
    /// Name of the driver.
    pub driver: String,
    /// The driver's own location, from its probe.
    pub location: Value,
    /// Its size when probed.
    pub size_bytes: u64,
    /// It is new, and nothing but zeros.
    pub blank: bool,
}

/// See [`Work::Revert`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revert {
    /// The disks.
    pub disks: Vec<TargetDisk>,
    /// Name of the snapshot that each has.
    pub snapshot: String,
}

/// See [`Work::Verify`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verify {
    /// The point to check.
    pub point_id: PointId,
    /// Fraction of chunks to read, from 0 to 1; all where absent.
    pub sample: Option<f64>,
}

/// From the conductor, after the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The job is still yours: make the result visible.
    Commit,
    /// Stop soon and leave nothing half done.
    Cancel,
    /// Read no faster from now on: others read too, or have ended.
    Bandwidth {
        /// The share of this worker.
        bytes_per_second: u64,
    },
}

/// How much a message matters to the job's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something was done differently from what was asked.
    Warning,
}

/// From the worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// How far it has come.
    Progress {
        /// Bytes done.
        done_bytes: u64,
        /// Bytes to do.
        total_bytes: u64,
    },
    /// Something the owner of the job should read.
    Message {
        /// How much it matters.
        level: Level,
        /// What was going on: a short snake_case word.
        action: String,
        /// One sentence.
        text: String,
    },
    /// Everything is durable and nothing visible; waits for [`Command::Commit`].
    Prepared,
    /// The end, with the work's result.
    Done {
        /// [`BackupResult`], [`RestoreResult`] or [`VerifyResult`].
        result: Value,
    },
    /// The end, without a result.
    Failed {
        /// What a caller can act on.
        kind: ErrorKind,
        /// What happened, with its causes.
        message: String,
        /// Whether it ended because it was told to.
        cancelled: bool,
    },
}

/// Sizes of one disk in a new point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskResult {
    /// Target device.
    pub device: String,
    /// Its size.
    pub virtual_bytes: u64,
    /// Read from the source.
    pub read_bytes: u64,
    /// Content that the repository did not hold before, before compression.
    pub new_bytes: u64,
    /// What that took in the repository.
    pub stored_bytes: u64,
}

/// Result of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupResult {
    /// In the order of the task.
    pub disks: Vec<DiskResult>,
}

/// Result of a restore or a revert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreResult {
    /// Bytes written; holes are not.
    pub written_bytes: u64,
}

/// Result of a verification: what it looked at and what is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyResult {
    /// Chunks read and checked.
    pub checked_chunks: u64,
    /// One sentence for each damage, naming object, point, device and range.
    pub damages: Vec<String>,
}
