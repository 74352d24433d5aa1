//! Loads storage drivers and calls them through the C ABI.
//!
//! [`DriverSet::load`] takes the names an operator enabled and never fails as a whole: a driver
//! that cannot be loaded is disabled with a reason, and the others work. A [`LoadedDriver`]
//! implements the SDK's [`Driver`](firn_driver_sdk::Driver), so that its user does not see whether
//! a driver was linked or loaded.
//!
//! Invariants:
//! - a library is loaded only from the configured folder, under a name made of `[a-z0-9_]`, and
//!   only where nobody but root and this user can write to it; it is never unloaded;
//! - every function table is copied and checked at load: after that no call meets a null slot;
//! - what a driver gives out is checked before use: sizes, UTF-8, JSON, extents beyond the disk.
//!   A driver that lies about pointers cannot be caught here: data is moved in worker processes
//!   for that reason;
//! - no call reaches a disk after its `close` began to return, none but `cancel` runs during it,
//!   and none at all after its release.
//!
//! It must not know of any particular driver or storage, nor of configuration files.

mod call;
mod disk;
mod driver;
mod error;
mod library;
mod services;
mod set;
mod table;
mod trust;

pub use driver::LoadedDriver;
pub use error::{LoadError, ProbeError};
pub use set::{DriverEntry, DriverSet, DriverState};
