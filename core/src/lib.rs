//! Firn's domain: what a disk, an instance, a restore point and a job are, which states they
//! pass through, and the arithmetic on extents, chunks of progress, schedules and retention.
//!
//! Invariants:
//! - no I/O, no clock, no randomness except the creation of ids: everything is a pure function
//!   of its arguments and can be tested over every case;
//! - states change only through their `next` function, which knows every (state, event) pair;
//! - imports no other crate of the workspace.
//!
//! It must not know of HTTP, SQL, queues, drivers' ABI or the repository's format.

mod ceph_conf;
mod disk;
mod error;
mod extent;
mod id;
mod instance;
mod job;
mod machine;
mod openstack;
pub mod plan;
mod point;
mod progress;
mod restore;

pub use ceph_conf::CephConf;
pub use disk::{BackingFile, Disk, DiskKind, DiskLocation, HostAddress, ImageFormat};
pub use error::{ErrorKind, chain};
pub use extent::{Extent, ExtentList};
pub use id::{
    DiskId, InstanceId, JobId, PlanId, PlanRunId, PointId, ProjectId, RepositoryId, RestoreId,
};
pub use instance::{Instance, PowerState};
pub use job::{JobEvent, JobKind, JobState, StepState};
pub use machine::{
    Firmware, MachineIdentity, NamedId, NetworkInterface, NovaFlavor, NovaPort, NovaServer,
};
pub use openstack::{
    OpenStackServer, PortAddress, ServerGroupRef, ServerImage, ServerKeypair, ServerPort,
    ServerVolume, UserData,
};
pub use point::{BackupMode, Consistency, PointEvent, PointState};
pub use progress::{Progress, Rate};
pub use restore::{
    FileName, FileNameError, NewInstance, NovaDisks, RestoreEvent, RestoreState, RestoreTarget,
    VolumeTarget,
};
