#![allow(unsafe_code)] // Promises a layout; calls nothing.

use std::mem::offset_of;

use crate::Extents;
use crate::prefix::Growing;
use crate::status::{ErrorReport, Status};
use crate::text::Str;

/// Only read. The driver itself must open the medium read-only.
pub const FIRN_ACCESS_READ_ONLY: u32 = 0;
/// Read and write what exists.
pub const FIRN_ACCESS_WRITABLE: u32 = 1;
/// Make a new disk, sparse and all zero, and write it; `FIRN_CONFLICT` where it exists.
pub const FIRN_ACCESS_CREATE: u32 = 2;

/// An opened disk, in the driver's own terms.
pub struct DiskHandle {
    _private: (),
}

/// What to open, and what for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest {
    /// Size of this struct, set by the host.
    pub struct_size: usize,
    /// JSON: the location that the driver gave out by `probe` or `connect`.
    pub location: Str,
    /// Name of a snapshot; no value (data NULL): the disk itself. Snapshots are read-only.
    pub snapshot: Str,
    /// FIRN_ACCESS_…; an unknown number is answered by `FIRN_UNSUPPORTED`.
    pub access: u32,
    /// Zero.
    pub reserved: u32,
    /// Size of a disk to be created in bytes; otherwise 0.
    pub create_size_bytes: u64,
}

// SAFETY: repr(C), `struct_size` first, then pointers and integers; the two u32 fill 8 bytes.
unsafe impl Growing for OpenRequest {
    const REQUIRED: usize = size_of::<Self>();
}

/// One piece of a vectored read. Elements of arrays never grow.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ReadRequest {
    /// First byte on the disk.
    pub offset: u64,
    /// Where to put it.
    pub buffer: *mut u8,
    /// Number of bytes; 0 succeeds.
    pub length: usize,
}

/// The functions of an opened disk. Every one may be called from any thread, several at once, from
/// `open` until `release`; after `close` come only `cancel` and `release`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DiskVtable {
    /// Size of this struct, set by the driver: `sizeof(firn_disk_vtable)`.
    pub struct_size: usize,
    /// Required. Size in bytes, as the guest sees it; constant while open.
    pub size_bytes: Option<unsafe extern "C" fn(disk: *mut DiskHandle) -> u64>,
    /// Required. Fills every buffer or fails as a whole. `FIRN_INVALID_INPUT` where a request
    /// passes the end of the disk.
    pub read: Option<
        unsafe extern "C" fn(
            disk: *mut DiskHandle,
            requests: *const ReadRequest,
            count: usize,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
    /// Required. From any thread: calls that run and later ones end with `FIRN_CANCELLED` within
    /// seconds. Must not block. There is no way back.
    pub cancel: Option<unsafe extern "C" fn(disk: *mut DiskHandle)>,
    /// Required. Ends the use of the disk, called at most once. `FIRN_CONFLICT` where a disk
    /// opened read-only without a snapshot may have changed since `open`; it is closed
    /// nevertheless.
    pub close:
        Option<unsafe extern "C" fn(disk: *mut DiskHandle, out_error: *mut ErrorReport) -> Status>,
    /// Required. Frees the disk, closed or not; the very last call.
    pub release: Option<unsafe extern "C" fn(disk: *mut DiskHandle)>,
    /// Optional. The parts of `[offset, offset + length)` that may hold other bytes than zero.
    /// NULL: the storage cannot tell, so everything.
    pub extents_allocated: Option<
        unsafe extern "C" fn(
            disk: *mut DiskHandle,
            offset: u64,
            length: u64,
            out_extents: *mut Extents,
            out_error: *mut ErrorReport,
        ) -> Status,
    >,
}

// SAFETY: repr(C), `struct_size` first, then optional functions.
unsafe impl Growing for DiskVtable {
    const REQUIRED: usize = offset_of!(Self, extents_allocated);
}
