#![allow(unsafe_code)] // Promises layouts; calls nothing.

use crate::disk::DiskHandle;
use crate::driver::DriverHandle;
use crate::extents::Extents;
use crate::prefix::Growing;
use crate::status::{ErrorReport, Status};
use crate::text::{Str, Text};

/// Id of `firn_write_extension`.
pub const FIRN_EXTENSION_WRITE: &str = "firn.write/1";
/// Id of `firn_changes_extension`.
pub const FIRN_EXTENSION_CHANGES: &str = "firn.changes/1";
/// Id of `firn_snapshots_extension`.
pub const FIRN_EXTENSION_SNAPSHOTS: &str = "firn.snapshots/1";
/// Id of `firn_connections_extension`.
pub const FIRN_EXTENSION_CONNECTIONS: &str = "firn.connections/1";
/// Id of `firn_removal_extension`.
pub const FIRN_EXTENSION_REMOVAL: &str = "firn.removal/1";

/// Writing to disks. All functions are required. On a disk opened read-only `write` and `zero`
/// answer `FIRN_FORBIDDEN` and `flush` does nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WriteExtension {
    /// Size of this struct, set by the driver.
    pub struct_size: usize,
    /// Writes all of `data`.
    pub write: Option<
        unsafe extern "C" fn(
            disk: *mut DiskHandle,
            offset: u64,
            data: *const u8,
            length: usize,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Makes a range read as zero, freeing its space where the storage can.
    pub zero: Option<
        unsafe extern "C" fn(
            disk: *mut DiskHandle,
            offset: u64,
            length: u64,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Returns when everything written before it survives a power loss.
    pub flush:
        Option<unsafe extern "C" fn(disk: *mut DiskHandle, out_error: *mut ErrorReport) -> Status>,
}

// SAFETY: repr(C), `struct_size` first, then optional functions.
unsafe impl Growing for WriteExtension {
    const REQUIRED: usize = size_of::<Self>();
}

/// Telling what changed between two openings of a disk. All functions are required.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ChangesExtension {
    /// Size of this struct, set by the driver.
    pub struct_size: usize,
    /// A name for the disk's content now; no value (data NULL): its changes are not tracked.
    pub change_token: Option<
        unsafe extern "C" fn(
            disk: *mut DiskHandle,
            out_token: *mut Text,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// The parts of the disk that may differ from the content that `from` names. More than what
    /// changed is allowed, less never; where it cannot be told: `FIRN_UNSUPPORTED`,
    /// `FIRN_NOT_FOUND` or `FIRN_CONFLICT`.
    pub extents_changed: Option<
        unsafe extern "C" fn(
            disk: *mut DiskHandle,
            from: Str,
            out_extents: *mut Extents,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
}

// SAFETY: repr(C), `struct_size` first, then optional functions.
unsafe impl Growing for ChangesExtension {
    const REQUIRED: usize = size_of::<Self>();
}

/// Snapshots. All functions are required; `location` is the JSON that `probe` or `connect` gave.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SnapshotsExtension {
    /// Size of this struct, set by the driver.
    pub struct_size: usize,
    /// Takes a snapshot; `FIRN_CONFLICT` where the name is taken.
    pub create: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            location: Str,
            name: Str,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Removes a snapshot; what is absent: `FIRN_OK`.
    pub remove: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            location: Str,
            name: Str,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Gives the names of all snapshots: a JSON array of strings.
    pub list: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            location: Str,
            out_names: *mut Text,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Gives a snapshot another name: `FIRN_NOT_FOUND` where there is none, `FIRN_CONFLICT` where
    /// the other name is taken, `FIRN_UNSUPPORTED` where the storage's snapshots keep their names.
    pub rename: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            location: Str,
            from: Str,
            to: Str,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
}

// SAFETY: repr(C), `struct_size` first, then optional functions.
unsafe impl Growing for SnapshotsExtension {
    const REQUIRED: usize = size_of::<Self>();
}

/// LUNs that are mapped to this machine. All functions are required.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ConnectionsExtension {
    /// Size of this struct, set by the driver.
    pub struct_size: usize,
    /// What this machine is to the storage, as JSON: `host`, `ip`, `initiator`, `wwpns`, `wwnns`,
    /// `multipath`.
    pub connector: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            out_connector: *mut Text,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Makes a mapped LUN usable. `info` is JSON: `version`, `protocol`, `data`. Gives the
    /// location to open as JSON.
    pub connect: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            info: Str,
            out_location: *mut Text,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Undoes `connect`; what is not connected: `FIRN_OK`.
    pub disconnect: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            info: Str,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
}

// SAFETY: repr(C), `struct_size` first, then optional functions.
unsafe impl Growing for ConnectionsExtension {
    const REQUIRED: usize = size_of::<Self>();
}

/// Removing disks. All functions are required.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RemovalExtension {
    /// Size of this struct, set by the driver.
    pub struct_size: usize,
    /// Removes a disk, together with its snapshots whose names begin with `our_snapshots`; what is
    /// absent: `FIRN_OK`. `FIRN_CONFLICT`, and everything stays, where somebody has the disk open
    /// for writing, where it has any other snapshot, and where something depends on one of its
    /// snapshots.
    pub remove: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            location: Str,
            our_snapshots: Str,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
}

// SAFETY: repr(C), `struct_size` first, then optional functions.
unsafe impl Growing for RemovalExtension {
    const REQUIRED: usize = size_of::<Self>();
}
