//! Drivers that do not keep to the ABI, made in this process, so that Miri can watch.
#![allow(unsafe_code)] // Plays the driver's side of the ABI.
#![allow(clippy::unwrap_used)] // Helpers of tests.

mod driver;
mod outputs;
mod tables;
