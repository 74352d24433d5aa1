//! librbd (`librbd.so.1`). Results below zero are negated `errno` values.

use std::ffi::{c_char, c_int, c_void};

use super::rados::IoContext;

/// `rbd_image_t`: an opened image.
pub(crate) type Image = *mut c_void;
/// `rbd_completion_t`: an operation in flight.
pub(crate) type Completion = *mut c_void;
/// `rbd_image_options_t`.
pub(crate) type Options = *mut c_void;
/// `rbd_callback_t`: called once, by a thread of librbd.
pub(crate) type Completed = unsafe extern "C" fn(completion: Completion, argument: *mut c_void);
/// Of `rbd_diff_iterate2`: called by the calling thread; below zero ends the iteration.
pub(crate) type DiffCallback =
    unsafe extern "C" fn(offset: u64, length: usize, exists: c_int, argument: *mut c_void) -> c_int;

/// `librbd_progress_fn_t`: called by threads of librbd; below zero ends the operation.
pub(crate) type Progress =
    unsafe extern "C" fn(offset: u64, total: u64, argument: *mut c_void) -> c_int;

/// `RBD_FEATURE_EXCLUSIVE_LOCK`.
pub(crate) const FEATURE_EXCLUSIVE_LOCK: u64 = 1 << 2;
/// `RBD_FEATURE_FAST_DIFF`.
pub(crate) const FEATURE_FAST_DIFF: u64 = 1 << 4;
/// `RBD_FLAG_OBJECT_MAP_INVALID | RBD_FLAG_FAST_DIFF_INVALID`.
pub(crate) const FLAGS_MAP_INVALID: u64 = 1 << 0 | 1 << 1;
/// `RBD_IMAGE_OPTION_DATA_POOL`.
pub(crate) const OPTION_DATA_POOL: c_int = 10;
/// `RBD_LOCK_MODE_EXCLUSIVE`.
pub(crate) const LOCK_MODE_EXCLUSIVE: c_int = 0;
/// `RBD_SNAP_NAMESPACE_TYPE_USER`.
pub(crate) const SNAPSHOT_OF_USER: c_int = 0;

/// `RBD_OPERATION_FEATURE_CLONE_PARENT`.
pub(crate) const OPERATION_CLONE_PARENT: u64 = 1 << 0;

/// `rbd_snap_info_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SnapshotInfo {
    pub(crate) id: u64,
    pub(crate) size: u64,
    pub(crate) name: *const c_char,
}

/// `rbd_image_watcher_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Watcher {
    pub(crate) address: *mut c_char,
    pub(crate) id: i64,
    pub(crate) cookie: u64,
}

#[link(name = "rbd")]
unsafe extern "C" {
    pub(crate) fn rbd_open(
        io: IoContext,
        name: *const c_char,
        image: *mut Image,
        snapshot: *const c_char,
    ) -> c_int;
    pub(crate) fn rbd_open_read_only(
        io: IoContext,
        name: *const c_char,
        image: *mut Image,
        snapshot: *const c_char,
    ) -> c_int;
    pub(crate) fn rbd_close(image: Image) -> c_int;
    pub(crate) fn rbd_image_options_create(options: *mut Options);
    pub(crate) fn rbd_image_options_destroy(options: Options);
    pub(crate) fn rbd_image_options_set_string(
        options: Options,
        option: c_int,
        value: *const c_char,
    ) -> c_int;
    pub(crate) fn rbd_create4(
        io: IoContext,
        name: *const c_char,
        size: u64,
        options: Options,
    ) -> c_int;

    pub(crate) fn rbd_remove_with_progress(
        io: IoContext,
        name: *const c_char,
        progress: Progress,
        argument: *mut c_void,
    ) -> c_int;

    pub(crate) fn rbd_get_size(image: Image, size: *mut u64) -> c_int;
    pub(crate) fn rbd_get_features(image: Image, features: *mut u64) -> c_int;
    pub(crate) fn rbd_get_op_features(image: Image, features: *mut u64) -> c_int;
    pub(crate) fn rbd_get_flags(image: Image, flags: *mut u64) -> c_int;
    pub(crate) fn rbd_get_overlap(image: Image, overlap: *mut u64) -> c_int;
    pub(crate) fn rbd_get_id(image: Image, id: *mut c_char, length: usize) -> c_int;
    pub(crate) fn rbd_watchers_list(
        image: Image,
        watchers: *mut Watcher,
        count: *mut usize,
    ) -> c_int;
    pub(crate) fn rbd_watchers_list_cleanup(watchers: *mut Watcher, count: usize);
    pub(crate) fn rbd_lock_acquire(image: Image, mode: c_int) -> c_int;

    pub(crate) fn rbd_snap_list(
        image: Image,
        snapshots: *mut SnapshotInfo,
        count: *mut c_int,
    ) -> c_int;
    pub(crate) fn rbd_snap_list_end(snapshots: *mut SnapshotInfo);
    pub(crate) fn rbd_snap_get_namespace_type(
        image: Image,
        snapshot: u64,
        kind: *mut c_int,
    ) -> c_int;
    pub(crate) fn rbd_snap_is_protected(
        image: Image,
        name: *const c_char,
        protected: *mut c_int,
    ) -> c_int;
    pub(crate) fn rbd_snap_create(image: Image, name: *const c_char) -> c_int;
    pub(crate) fn rbd_snap_remove(image: Image, name: *const c_char) -> c_int;
    pub(crate) fn rbd_snap_rename(image: Image, from: *const c_char, to: *const c_char) -> c_int;

    pub(crate) fn rbd_diff_iterate2(
        image: Image,
        from_snapshot: *const c_char,
        offset: u64,
        length: u64,
        include_parent: u8,
        whole_object: u8,
        callback: DiffCallback,
        argument: *mut c_void,
    ) -> c_int;

    pub(crate) fn rbd_aio_create_completion(
        argument: *mut c_void,
        callback: Completed,
        completion: *mut Completion,
    ) -> c_int;
    pub(crate) fn rbd_aio_get_return_value(completion: Completion) -> isize;
    pub(crate) fn rbd_aio_release(completion: Completion);
    pub(crate) fn rbd_aio_read(
        image: Image,
        offset: u64,
        length: usize,
        buffer: *mut c_char,
        completion: Completion,
    ) -> c_int;
    pub(crate) fn rbd_aio_write(
        image: Image,
        offset: u64,
        length: usize,
        buffer: *const c_char,
        completion: Completion,
    ) -> c_int;
    pub(crate) fn rbd_aio_write_zeroes(
        image: Image,
        offset: u64,
        length: usize,
        completion: Completion,
        zero_flags: c_int,
        op_flags: c_int,
    ) -> c_int;
    pub(crate) fn rbd_aio_flush(image: Image, completion: Completion) -> c_int;
}
