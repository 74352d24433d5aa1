//! librados (`librados.so.2`). Results below zero are negated `errno` values.

use std::ffi::{c_char, c_int, c_void};

/// `rados_t`: a connection to a cluster.
pub(crate) type Cluster = *mut c_void;
/// `rados_ioctx_t`: a pool and namespace to work in.
pub(crate) type IoContext = *mut c_void;

#[link(name = "rados")]
unsafe extern "C" {
    pub(crate) fn rados_create2(
        cluster: *mut Cluster,
        cluster_name: *const c_char,
        user: *const c_char,
        flags: u64,
    ) -> c_int;
    pub(crate) fn rados_conf_read_file(cluster: Cluster, path: *const c_char) -> c_int;
    pub(crate) fn rados_conf_set(
        cluster: Cluster,
        option: *const c_char,
        value: *const c_char,
    ) -> c_int;
    pub(crate) fn rados_connect(cluster: Cluster) -> c_int;
    pub(crate) fn rados_shutdown(cluster: Cluster);
    pub(crate) fn rados_cluster_fsid(cluster: Cluster, buffer: *mut c_char, length: usize)
    -> c_int;
    pub(crate) fn rados_ioctx_create(
        cluster: Cluster,
        pool: *const c_char,
        io: *mut IoContext,
    ) -> c_int;
    pub(crate) fn rados_ioctx_destroy(io: IoContext);
    pub(crate) fn rados_ioctx_set_namespace(io: IoContext, namespace: *const c_char);
    pub(crate) fn rados_ioctx_get_id(io: IoContext) -> i64;
    pub(crate) fn rados_stat(
        io: IoContext,
        object: *const c_char,
        size: *mut u64,
        modified: *mut i64,
    ) -> c_int;
    pub(crate) fn rados_get_last_version(io: IoContext) -> u64;
}
