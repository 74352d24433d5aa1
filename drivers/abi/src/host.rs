#![allow(unsafe_code)] // Promises a layout; calls nothing.

use std::ffi::c_void;

use crate::prefix::Growing;
use crate::text::Str;

/// Something failed that the caller may not see as an error.
pub const FIRN_LOG_ERROR: u32 = 1;
/// Something an operator should look at.
pub const FIRN_LOG_WARN: u32 = 2;
/// Rare and worth knowing.
pub const FIRN_LOG_INFO: u32 = 3;
/// For finding faults.
pub const FIRN_LOG_DEBUG: u32 = 4;
/// Every call.
pub const FIRN_LOG_TRACE: u32 = 5;

/// What the host does for a driver. Stays valid for the life of the process; every function may be
/// called from any thread, also from within a call of the host, with `context` as first argument.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Size of this struct, set by the host.
    pub struct_size: usize,
    /// The host's own.
    pub context: *mut c_void,
    /// Whether lines of this level (FIRN_LOG_…) go anywhere: 0 for no. May be NULL: yes.
    pub log_enabled: Option<unsafe extern "C" fn(context: *mut c_void, level: u32) -> u32>,
    /// Takes a log line; `target` names the part it comes from. Never put secrets into it. May be
    /// NULL.
    pub log:
        Option<unsafe extern "C" fn(context: *mut c_void, level: u32, target: Str, message: Str)>,
    /// Takes news of a long call: `done` of `total` units, `total` 0 for unknown. May be NULL.
    pub progress:
        Option<unsafe extern "C" fn(context: *mut c_void, operation: Str, done: u64, total: u64)>,
}

// SAFETY: repr(C), `struct_size` first, then a pointer and optional functions.
unsafe impl Growing for Host {
    const REQUIRED: usize = 16;
}
