//! Reads a disk through a `qemu-nbd` of its own.

mod client;
mod ffi;
mod graph;
mod pool;
mod rundir;
mod server;
mod spawn;

pub(crate) use graph::graph;
pub(crate) use pool::Pool;
pub(crate) use rundir::sweep;
pub(crate) use server::Server;
