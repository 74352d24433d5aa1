//! Reading disks back: whole ones in parallel, and single ranges.

mod buffer;
mod disk;
mod lru;
mod restore;
mod scan;

pub use disk::DiskReader;
pub use restore::RestoreOptions;
pub(crate) use restore::{map_reader, thread_count};
pub(crate) use scan::{Consumer, Scan, Visitor, scan};
