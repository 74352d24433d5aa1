//! A driver over memory that can do everything the SDK knows: the model that the conformance suite
//! and the host are tried with. It is never installed.
//!
//! Its medium is a table of images in this library, named by the configuration. The suite reaches
//! it natively as [`Medium`], and in the loaded library by the C functions of [`control`].

pub mod control;
mod disk;
mod driver;
mod medium;

pub use driver::MemoryDriver;
pub use medium::{Image, Medium};

firn_driver_sdk::export_driver!(MemoryDriver);
