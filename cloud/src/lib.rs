//! What Firn asks of a cloud, and no more: which instances a project has, what one of them
//! consists of, whether it runs, and to make one again.
//!
//! [`Cloud`] is the trait that the conductor and the API hold (`Arc<dyn Cloud>`); [`Standalone`]
//! answers it for one machine without any cloud services, [`openstack::OpenStackCloud`] for an
//! OpenStack. [`Delegation`] says whether work that its owner scheduled may be done now.
//! [`Rebuild`] makes instances and volumes for restores. [`openstack`] is what Firn asks of
//! OpenStack's services.
//!
//! Invariants:
//! - every answer comes within a deadline or is [`CloudError::Unavailable`];
//! - the trait is asynchronous, because clouds are reached over HTTP; an implementation that
//!   blocks moves itself to a blocking thread, so callers need not know which one they hold;
//! - answers are facts about the cloud now; nothing behind [`Cloud`] changes it, caches it or keeps
//!   state: what changes a cloud is behind [`VolumeSnapshots`], [`Guests`] and [`Rebuild`].
//!
//! It must not know of libvirt, domain XML's grammar, drivers, jobs or the database. What runs on
//! this machine is told to it through the [`Machines`] port, and what runs on a cloud's hypervisors
//! through [`openstack::Hypervisors`], which the binary wires.

mod cloud;
mod delegation;
mod error;
mod guests;
mod instance;
pub mod openstack;
mod rebuild;
mod standalone;
mod volumes;

pub use cloud::Cloud;
pub use delegation::{Delegated, Delegation, DelegationError, Grant, NoDelegation};
pub use error::{BoxError, CloudError};
pub use guests::{Freeze, Guests};
pub use instance::{InstanceDetail, InstanceSummary};
pub use rebuild::{
    FormerDisk, FormerMachine, PlannedPort, PlannedServer, PlannedVolume, Rebuild, ServerParts,
    ServerPlan, VolumePlan, VolumeUse,
};
pub use standalone::{Machines, Standalone};
pub use volumes::{VolumeSnapshot, VolumeSnapshots};
