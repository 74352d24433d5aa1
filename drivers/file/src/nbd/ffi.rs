//! The few functions of libnbd (`libnbd.so.0`) that are used, declared by hand.
//!
//! Unsafe because it is C; `client` wraps it. Linked like any library: where libnbd is missing
//! the loader refuses this driver and nothing else.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_uint, c_void};

/// `struct nbd_handle`, opaque.
#[repr(C)]
pub(super) struct Handle {
    _private: [u8; 0],
}

/// `nbd_completion_callback`, passed by value; null: the command is retired by
/// [`nbd_aio_command_completed`].
#[repr(C)]
pub(super) struct CompletionCallback {
    pub(super) callback: Option<unsafe extern "C" fn(*mut c_void, *mut c_int) -> c_int>,
    pub(super) user_data: *mut c_void,
    pub(super) free: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// `nbd_extent_callback`, passed by value.
#[repr(C)]
pub(super) struct ExtentCallback {
    pub(super) callback: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            metacontext: *const c_char,
            offset: u64,
            entries: *mut u32,
            nr_entries: usize,
            error: *mut c_int,
        ) -> c_int,
    >,
    pub(super) user_data: *mut c_void,
    pub(super) free: Option<unsafe extern "C" fn(*mut c_void)>,
}

impl CompletionCallback {
    pub(super) const NONE: Self =
        Self { callback: None, user_data: std::ptr::null_mut(), free: None };
}

#[link(name = "nbd")]
unsafe extern "C" {
    pub(super) fn nbd_create() -> *mut Handle;
    pub(super) fn nbd_close(handle: *mut Handle);
    pub(super) fn nbd_get_error() -> *const c_char;
    pub(super) fn nbd_get_errno() -> c_int;
    pub(super) fn nbd_set_request_structured_replies(handle: *mut Handle, request: bool) -> c_int;
    pub(super) fn nbd_set_pread_initialize(handle: *mut Handle, request: bool) -> c_int;
    pub(super) fn nbd_add_meta_context(handle: *mut Handle, name: *const c_char) -> c_int;
    pub(super) fn nbd_can_meta_context(handle: *mut Handle, name: *const c_char) -> c_int;
    pub(super) fn nbd_aio_connect_socket(handle: *mut Handle, socket: c_int) -> c_int;
    pub(super) fn nbd_aio_is_connecting(handle: *mut Handle) -> c_int;
    pub(super) fn nbd_aio_is_ready(handle: *mut Handle) -> c_int;
    pub(super) fn nbd_aio_is_dead(handle: *mut Handle) -> c_int;
    pub(super) fn nbd_aio_is_closed(handle: *mut Handle) -> c_int;
    pub(super) fn nbd_get_size(handle: *mut Handle) -> i64;
    pub(super) fn nbd_is_read_only(handle: *mut Handle) -> c_int;
    pub(super) fn nbd_poll(handle: *mut Handle, timeout_ms: c_int) -> c_int;
    pub(super) fn nbd_aio_pread(
        handle: *mut Handle,
        buffer: *mut c_void,
        count: usize,
        offset: u64,
        completion: CompletionCallback,
        flags: c_uint,
    ) -> i64;
    pub(super) fn nbd_aio_block_status(
        handle: *mut Handle,
        count: u64,
        offset: u64,
        extent: ExtentCallback,
        completion: CompletionCallback,
        flags: c_uint,
    ) -> i64;
    pub(super) fn nbd_aio_command_completed(handle: *mut Handle, cookie: u64) -> c_int;
}
