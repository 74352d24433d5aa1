//! Storage driver for RBD images of Ceph clusters, through librbd.
//!
//! Invariants:
//! - what is read is opened read-only, by a cephx user that may only read;
//! - memory that librbd writes to or reads from belongs to the operation until it has ended, so
//!   that a cancelled call can leave it behind;
//! - no image is closed by a thread of librbd, nor while an operation on it is in flight;
//! - every call ends: librados's own timeouts end each operation, and waiting has its own limit;
//! - changes are told from a base that is known by its id and has existed all the time;
//! - a restore writes to no image that somebody else has open.
//!
//! It must not know of repositories, jobs or clouds.

mod aio;
mod buffers;
mod changes;
mod cluster;
mod clusters;
mod config;
mod control;
mod diff;
mod disk;
mod driver;
mod errno;
mod ffi;
mod image;
mod location;
mod opener;
mod removal;
mod snapshot;
mod snapshots;
mod token;
mod transfer;
mod witness;

pub use driver::CephDriver;

firn_driver_sdk::export_driver!(CephDriver);
