#![allow(unsafe_code)] // Promises a layout; calls nothing.

use std::ffi::c_void;
use std::mem::offset_of;

use crate::disk::{DiskHandle, DiskVtable, OpenRequest};
use crate::host::Host;
use crate::prefix::Growing;
use crate::status::{ErrorReport, Status};
use crate::text::{Str, Text};

/// The driver has snapshots (extension `FIRN_EXTENSION_SNAPSHOTS`) and opens them.
pub const FIRN_CAPABILITY_SNAPSHOTS: u64 = 1;
/// Some disks tell what changed (extension `FIRN_EXTENSION_CHANGES`).
pub const FIRN_CAPABILITY_CHANGED_BLOCKS: u64 = 2;
/// Disks can be opened writable (extension `FIRN_EXTENSION_WRITE`).
pub const FIRN_CAPABILITY_WRITE: u64 = 4;
/// Disks can be created (extension `FIRN_EXTENSION_WRITE`).
pub const FIRN_CAPABILITY_CREATE: u64 = 8;
/// LUNs are connected to this machine (extension `FIRN_EXTENSION_CONNECTIONS`).
pub const FIRN_CAPABILITY_CONNECTIONS: u64 = 16;
/// Disks can be removed (extension `FIRN_EXTENSION_REMOVAL`).
pub const FIRN_CAPABILITY_REMOVE: u64 = 32;

/// The disk is this driver's; without it nothing else in the answer counts.
pub const FIRN_PROBE_MINE: u64 = 1;
/// The disk's changes are tracked now.
pub const FIRN_PROBE_CHANGED_BLOCKS: u64 = 2;
/// Something has the disk open for writing.
pub const FIRN_PROBE_IN_USE: u64 = 4;

/// A created driver, in the driver's own terms.
pub struct DriverHandle {
    _private: (),
}

/// Who the driver is. Static: stays valid and unchanged for the life of the process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Size of this struct, set by the driver: `sizeof(firn_descriptor)`.
    pub struct_size: usize,
    /// The `<name>` of `libfirn_driver_<name>.so`: lower-case letters, digits, `_`.
    pub name: Str,
    /// Who answers for it.
    pub vendor: Str,
    /// The driver's own version.
    pub version: Str,
}

// SAFETY: repr(C), `struct_size` first, then pointers and integers of 8 bytes.
unsafe impl Growing for Descriptor {
    const REQUIRED: usize = size_of::<Self>();
}

/// What a driver says of a disk. The host prepares it zeroed, with `struct_size` set.
#[repr(C)]
#[derive(Debug)]
pub struct Probe {
    /// Size of this struct, set by the host.
    pub struct_size: usize,
    /// FIRN_PROBE_…
    pub flags: u64,
    /// Size in bytes, as the guest sees it.
    pub size_bytes: u64,
    /// The storage the disk lies on, for limits and for people: `file:/dev/vda2`, `rbd:volumes`.
    pub storage: Text,
    /// JSON of the driver's own shape, given back to `open`. Canonical: the same disk gives the
    /// same location.
    pub location: Text,
}

impl Probe {
    /// What a caller prepares before the call.
    pub const fn empty() -> Self {
        Self {
            struct_size: size_of::<Self>(),
            flags: 0,
            size_bytes: 0,
            storage: Text::none(),
            location: Text::none(),
        }
    }
}

/// The functions of a driver. Static: stays valid and unchanged for the life of the process.
/// Every function may be called from any thread, several at once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DriverVtable {
    /// Size of this struct, set by the driver: `sizeof(firn_driver_vtable)`.
    pub struct_size: usize,
    /// The ABI this table follows: `FIRN_ABI_VERSION`.
    pub abi_version: u32,
    /// Zero.
    pub reserved: u32,
    /// Required. Who the driver is.
    pub descriptor: *const Descriptor,
    /// Required. The functions of its disks.
    pub disk: *const DiskVtable,
    /// Required. Makes a driver; `config` is its section of the configuration as a JSON object.
    /// Quick: storage is reached by `probe` and `open`.
    pub create: Option<
        unsafe extern "C" fn(
            host: *const Host,
            config: Str,
            out_driver: *mut *mut DriverHandle,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Required. Frees it, after all its disks were released.
    pub destroy: Option<unsafe extern "C" fn(driver: *mut DriverHandle)>,
    /// Required. Whether a disk is this driver's; `location` is JSON with a `type`: `file`,
    /// `block`, `rbd`, `iscsi`, `nbd`, `pool_volume`, `unknown`. A type that the driver does not
    /// know is not its own: `FIRN_OK` with `flags` 0.
    pub probe: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            location: Str,
            out_probe: *mut Probe,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Required. Opens a disk or a snapshot of one.
    pub open: Option<
        unsafe extern "C" fn(
            driver: *mut DriverHandle,
            request: *const OpenRequest,
            out_disk: *mut *mut DiskHandle,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Optional. FIRN_CAPABILITY_…; NULL: none.
    pub capabilities: Option<unsafe extern "C" fn(driver: *mut DriverHandle) -> u64>,
    /// Optional. The table of an optional group of functions by its id, NULL for one that the
    /// driver does not have. Asked once, after the entry; the table is static.
    pub get_extension: Option<unsafe extern "C" fn(id: Str) -> *const c_void>,
}

// SAFETY: repr(C), `struct_size` first, then pointers, optional functions, and two u32 that fill
// 8 bytes.
unsafe impl Growing for DriverVtable {
    const REQUIRED: usize = offset_of!(Self, capabilities);
}

/// `firn_driver_entry`, the one function that a driver's library exports. May be called more than
/// once. `FIRN_UNSUPPORTED` for an `abi_version` that the driver does not know.
pub type EntryFn = unsafe extern "C" fn(
    abi_version: u32,
    host: *const Host,
    out_vtable: *mut *const DriverVtable,
    out_error: *mut ErrorReport,
) -> Status;
