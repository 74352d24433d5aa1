//! The functions of librados and librbd that are used, declared by hand after the headers of
//! Ceph 16 (Pacific), which later versions keep.
//!
//! Linked like any library: where one is missing the loader refuses this driver and nothing else.
#![allow(unsafe_code)]

pub(crate) mod rados;
pub(crate) mod rbd;
