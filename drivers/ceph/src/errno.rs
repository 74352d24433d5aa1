//! What Ceph's result codes mean to a caller.

use std::error::Error;
use std::ffi::c_int;
use std::fmt::Display;
use std::io;

use firn_driver_sdk::{DriverError, ErrorKind};

// Linux's numbers; std names only some of them.
const EPERM: i32 = 1;
pub(crate) const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
pub(crate) const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
pub(crate) const ERANGE: i32 = 34;
const ENOSYS: i32 = 38;
const ENOTEMPTY: i32 = 39;
const EBADMSG: i32 = 74;
const EOPNOTSUPP: i32 = 95;
const ENETUNREACH: i32 = 101;
const ECONNRESET: i32 = 104;
const ENOTCONN: i32 = 107;
/// Also `EBLOCKLISTED`: the cluster has fenced this client.
const ESHUTDOWN: i32 = 108;
const ETIMEDOUT: i32 = 110;
const ECONNREFUSED: i32 = 111;
const EHOSTUNREACH: i32 = 113;
const EDQUOT: i32 = 122;

/// Fails where `result` is a negated `errno`, else gives it. `doing` completes "cannot …" and names
/// the thing.
pub(crate) fn check<D: Display>(
    result: c_int,
    doing: impl FnOnce() -> D,
) -> Result<c_int, DriverError> {
    if result < 0 { Err(failed(-result, doing())) } else { Ok(result) }
}

/// The error of a failed call of librados or librbd.
pub(crate) fn failed(errno: i32, doing: impl Display) -> DriverError {
    let (kind, advice) = meaning(errno);
    DriverError::new(kind, format!("cannot {doing}: {advice}"))
        .with_source(io::Error::from_raw_os_error(errno))
}

/// Whether the connection that a call failed on was shut out by the cluster: it never works again.
pub(crate) fn is_shut_out(error: &DriverError) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.and_then(io::Error::raw_os_error) == Some(ESHUTDOWN)
}

fn meaning(errno: i32) -> (ErrorKind, &'static str) {
    match errno {
        ENOENT => (ErrorKind::NotFound, "the cluster has no such thing"),
        EPERM | EACCES => (ErrorKind::Forbidden, "look at the capabilities of the cephx user"),
        EROFS => (ErrorKind::Forbidden, "the image or its lock only allows reading"),
        EEXIST => (ErrorKind::Conflict, "the name is taken"),
        EBUSY => (ErrorKind::Conflict, "it is protected, locked or in use: try again without"),
        ENOTEMPTY => (ErrorKind::Conflict, "it has snapshots"),
        EINVAL => (ErrorKind::InvalidInput, "the cluster refuses the request as invalid"),
        ENOSPC | EDQUOT => (ErrorKind::QuotaExceeded, "the pool or cluster is full: add space"),
        ENOSYS | EOPNOTSUPP => {
            (ErrorKind::Unsupported, "the cluster or this librbd is too old for it")
        }
        EIO | EBADMSG => (ErrorKind::Integrity, "the stored data is damaged: run a deep scrub"),
        ETIMEDOUT => (ErrorKind::Unavailable, "the cluster does not answer: look at its health"),
        ESHUTDOWN => (ErrorKind::Unavailable, "the cluster has blocklisted this client"),
        ENETUNREACH | ECONNRESET | ENOTCONN | ECONNREFUSED | EHOSTUNREACH => {
            (ErrorKind::Unavailable, "the cluster is not reached: look at the storage network")
        }
        _ => (ErrorKind::Internal, "nobody planned for this answer of Ceph"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_kind_and_a_line_of_use() {
        for (errno, kind) in [
            (2, ErrorKind::NotFound),
            (1, ErrorKind::Forbidden),
            (13, ErrorKind::Forbidden),
            (30, ErrorKind::Forbidden),
            (17, ErrorKind::Conflict),
            (16, ErrorKind::Conflict),
            (39, ErrorKind::Conflict),
            (22, ErrorKind::InvalidInput),
            (28, ErrorKind::QuotaExceeded),
            (122, ErrorKind::QuotaExceeded),
            (38, ErrorKind::Unsupported),
            (95, ErrorKind::Unsupported),
            (5, ErrorKind::Integrity),
            (110, ErrorKind::Unavailable),
            (108, ErrorKind::Unavailable),
            (111, ErrorKind::Unavailable),
            (7, ErrorKind::Internal),
        ] {
            let error = check(-errno, || "open volumes/a").unwrap_err();
            assert_eq!(error.kind(), kind, "errno {errno}");
            assert!(error.message().starts_with("cannot open volumes/a: "), "{error}");
            assert!(std::error::Error::source(&error).is_some());
        }
        assert_eq!(check(7, || "open").unwrap(), 7);
    }
}
