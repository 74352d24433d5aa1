//! Storage driver for disks that are files of this machine: raw (also block devices), and qcow2,
//! which is read through a `qemu-nbd` and libnbd.
//!
//! Invariants:
//! - a disk that is read is never written to: every file is opened read-only, by us and by QEMU;
//! - while it is read, QEMU's own image locks keep a VM from starting on it, and closing it tells
//!   whether it changed all the same;
//! - QEMU opens no file but those that were checked here, by descriptor, and guesses no format;
//! - no `qemu-nbd` and no socket outlives the disk, or this process, however it ends;
//! - changed extents are told only where a dirty bitmap can be trusted.
//!
//! It must not know of repositories, jobs or clouds, nor of images on other machines.

mod chain;
mod changes;
mod config;
mod direct;
mod driver;
mod gate;
mod identity;
mod lock;
mod mount;
mod nbd;
mod policy;
mod qcow2;
mod qcow2_disk;
mod raw_disk;
mod uncached;

pub use driver::FileDriver;

firn_driver_sdk::export_driver!(FileDriver);
