//! What a storage driver is written against: a safe, object-safe trait, and the macro that makes
//! a loadable library of it.
//!
//! A driver implements [`Driver`] and [`Disk`], names itself by [`DriverFactory`] and calls
//! [`export_driver!`] once. Built as a `cdylib` it can be loaded by the host; linked as an `rlib`
//! it is an ordinary Rust type. The host's loaded driver implements the same two traits, so one
//! caller and one conformance suite serve both.
//!
//! Invariants:
//! - a read-only disk is never written to, by no call and no side effect of one;
//! - every call ends: it answers, fails, or is cancelled within seconds;
//! - deleting or disconnecting what is absent succeeds;
//! - what a driver cannot do it answers with kind `Unsupported`; capabilities default to none;
//! - no panic crosses the boundary: the exported functions turn it into an error.
//!
//! It must not know of repositories, jobs, clouds or of any particular storage.

mod config;
mod connection;
mod descriptor;
mod disk;
mod driver;
mod error;
#[doc(hidden)]
pub mod export;
mod host;
mod location;
mod status;

pub use config::Config;
pub use connection::{Connected, ConnectionInfo, Connector};
pub use descriptor::{Capabilities, Descriptor};
pub use disk::{Access, Disk, OpenRequest, ReadRequest};
pub use driver::{Driver, DriverFactory, Probe};
pub use error::DriverError;
pub use host::{Host, HostServices, LogLevel};
pub use location::Location;

#[doc(hidden)]
pub use firn_driver_abi as abi;

pub use firn_core::{
    BackingFile, CephConf, DiskLocation, ErrorKind, Extent, ExtentList, HostAddress, ImageFormat,
    chain,
};

/// Keeps the example of the guide compiling.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/DRIVERS.md")]
struct Guide;
