//! The C ABI between Firn and a storage driver: what lies in memory when one calls the other.
//!
//! A driver's library exports one function, `firn_driver_entry`, which gives out a table of
//! functions. `include/firn_driver.h` is made from this crate and is what a driver in C includes.
//!
//! Invariants:
//! - every struct that may grow begins with `struct_size`, as filled in by its maker; fields are
//!   only appended, and a field beyond `struct_size` counts as zero, a null function as absent;
//! - inputs are borrowed for the duration of the call; every output carries the function that
//!   releases it; nothing that one side allocated is freed by the other;
//! - numbers that mean something are integers with constants, never Rust enums or `bool`: any bit
//!   pattern that a foreign driver writes is a valid value here;
//! - what is more than a few numbers crosses as UTF-8 JSON with an explicit length;
//! - the layout is asserted at compile time and the header compared in a test: neither changes
//!   unseen.
//!
//! The unsafe code here is that which both sides need: reading what the other side points at.
//! The crate must not know of errors' kinds, of the domain's types, or of loading libraries.

mod disk;
mod driver;
mod extension;
mod extents;
mod host;
mod layout;
mod prefix;
mod status;
mod text;

pub use disk::{
    DiskHandle, DiskVtable, FIRN_ACCESS_CREATE, FIRN_ACCESS_READ_ONLY, FIRN_ACCESS_WRITABLE,
    OpenRequest, ReadRequest,
};
pub use driver::{
    Descriptor, DriverHandle, DriverVtable, EntryFn, FIRN_CAPABILITY_CHANGED_BLOCKS,
    FIRN_CAPABILITY_CONNECTIONS, FIRN_CAPABILITY_CREATE, FIRN_CAPABILITY_REMOVE,
    FIRN_CAPABILITY_SNAPSHOTS, FIRN_CAPABILITY_WRITE, FIRN_PROBE_CHANGED_BLOCKS, FIRN_PROBE_IN_USE,
    FIRN_PROBE_MINE, Probe,
};
pub use extension::{
    ChangesExtension, ConnectionsExtension, FIRN_EXTENSION_CHANGES, FIRN_EXTENSION_CONNECTIONS,
    FIRN_EXTENSION_REMOVAL, FIRN_EXTENSION_SNAPSHOTS, FIRN_EXTENSION_WRITE, RemovalExtension,
    SnapshotsExtension, WriteExtension,
};
pub use extents::{Extent, Extents};
pub use host::{
    FIRN_LOG_DEBUG, FIRN_LOG_ERROR, FIRN_LOG_INFO, FIRN_LOG_TRACE, FIRN_LOG_WARN, Host,
};
pub use prefix::{Growing, MAX_STRUCT_SIZE, SizeFault, read_prefix};
pub use status::{
    ErrorReport, FIRN_CANCELLED, FIRN_CONFLICT, FIRN_FORBIDDEN, FIRN_INTEGRITY, FIRN_INTERNAL,
    FIRN_INVALID_INPUT, FIRN_NOT_FOUND, FIRN_OK, FIRN_QUOTA_EXCEEDED, FIRN_UNAVAILABLE,
    FIRN_UNSUPPORTED, Status,
};
pub use text::{OutputFault, Str, Text};

/// The version of this ABI. It changes only when an older driver could no longer be called;
/// appended fields and new extensions do not change it.
pub const FIRN_ABI_VERSION: u32 = 1;

/// The name of the one function that a driver's library exports, ending in a zero byte.
pub const ENTRY_SYMBOL: &[u8] = b"firn_driver_entry\0";
