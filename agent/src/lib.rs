//! What runs on this host: libvirt domains, what they consist of and where their disks lie.
//!
//! [`Domain::parse`] turns a domain XML into disks and a machine identity. [`DomainSource`] is
//! where the XML comes from: a folder ([`FolderSource`]), the running libvirt
//! ([`LibvirtSource`]), or the first with the second's knowledge on top ([`CombinedSource`]).
//!
//! Invariants:
//! - a domain XML is untrusted input: it is bounded in size, depth and number of elements, has no
//!   DTD, and is either understood or refused with the element named; nothing is guessed about
//!   where a disk lies;
//! - device names of disks are plain (`[a-z0-9]+`) and unique, so they are safe as file names;
//! - paths of disks are absolute and have no `..`;
//! - passwords in a domain XML do not leave this crate;
//! - libvirt is asked in a child process with a deadline: a libvirt that hangs costs one answer;
//! - no guest stays frozen: what [`Freezes`] froze it thaws, whatever happens to whoever asked.
//!
//! It also tells which Ceph clusters the host uses, by its `ceph.conf`.
//!
//! [`rpc`] is how conductors ask for all that: the `firn-agent` process on each hypervisor.
//!
//! All calls of sources block. It must not know of the database, drivers or the repository, nor of jobs
//! more than their ids, and it changes nothing on the host but for that freezing.

mod ceph;
mod domain;
mod freeze;
mod options;
pub mod rpc;
mod source;
mod xml;

pub use domain::{Domain, DomainError, LeftOut, LeftOutReason};
pub use freeze::{FreezeError, FreezeOptions, Freezes, GuestFreezer, Thawed};
pub use options::AgentConfig;
pub use source::{
    CombinedSource, DomainList, DomainSource, DomainSummary, FolderSource, LibvirtSource,
    SourceError, SourceProblem,
};
pub use xml::XmlError;
