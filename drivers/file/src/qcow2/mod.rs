//! What of the qcow2 format is read here rather than by QEMU: the header, the names it holds, the
//! table of internal snapshots, the persistent bitmaps, and where plain clusters lie.
//!
//! Every byte may have been written by a guest or an attacker: sizes and offsets are checked
//! against fixed limits before anything is allocated or read, arithmetic is checked, and no loop
//! runs longer than what was read.

mod bitmap;
mod bytes;
mod error;
mod header;
mod snapshot;
mod table;

pub(crate) use bitmap::{Bitmap, bitmap_dirty, bitmap_list};

pub(crate) use error::Qcow2Error;
pub(crate) use header::Header;
pub(crate) use snapshot::snapshot_digest;
pub(crate) use table::{Cluster, Table};

#[cfg(test)]
mod tests;
