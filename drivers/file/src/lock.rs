//! QEMU's image locks.
//!
//! A program of QEMU's that uses a file takes a shared lock on byte 100 + n for every right n it
//! uses, and on byte 200 + n for every right n that it does not grant to others; then it looks
//! whether somebody's locks contradict its own. Taking part in that keeps a VM from starting
//! while its disk is read, and tells a disk that is in use.

use std::fs::File;
use std::io;
use std::path::Path;

use firn_driver_sdk::DriverError;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

const USED: i64 = 100;
const NOT_SHARED: i64 = 200;

const READ: i64 = 0;
const WRITE: i64 = 1;
const RESIZE: i64 = 3;

/// Whether somebody has the file open for writing.
///
/// # Errors
/// Whatever the system answers, except that a file system without locks has no users.
pub(crate) fn in_use(file: &File) -> io::Result<bool> {
    for right in [WRITE, RESIZE] {
        if !available(file, USED + right)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Locks a file for reading (no writer meanwhile) or for writing (no other writer meanwhile, and
/// no reader that needs a constant content). Held as long as the file is open.
///
/// # Errors
/// `Conflict` where somebody's use contradicts.
pub(crate) fn lock(file: &File, path: &Path, write: bool) -> Result<(), DriverError> {
    let used: &[i64] = if write { &[READ, WRITE, RESIZE] } else { &[READ] };
    let kept = [WRITE, RESIZE];
    let failed = |source| DriverError::io(format!("lock {}", path.display()), source);

    let ours = used.iter().map(|right| USED + right).chain(kept.map(|right| NOT_SHARED + right));
    for byte in ours {
        set(file, byte).map_err(failed)?;
    }
    let contradicting =
        used.iter().map(|right| NOT_SHARED + right).chain(kept.map(|right| USED + right));
    for byte in contradicting {
        if !available(file, byte).map_err(failed)? {
            return Err(in_use_error(path));
        }
    }
    Ok(())
}

/// What is said of a disk in use.
pub(crate) fn in_use_error(path: &Path) -> DriverError {
    DriverError::conflict(format!(
        "{} is in use by a running virtual machine or another program: shut it down first",
        path.display()
    ))
}

fn region(kind: i32, byte: i64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}

/// Takes a shared lock. Nobody takes exclusive ones on these bytes, so this never waits.
fn set(file: &File, byte: i64) -> io::Result<()> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&region(libc::F_RDLCK, byte))) {
        Ok(_) => Ok(()),
        Err(error) if no_locks(error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether nobody else has a lock on the byte.
fn available(file: &File, byte: i64) -> io::Result<bool> {
    let mut found = region(libc::F_WRLCK, byte);
    match fcntl(file, FcntlArg::F_OFD_GETLK(&mut found)) {
        Ok(_) => Ok(i32::from(found.l_type) == libc::F_UNLCK),
        Err(error) if no_locks(error) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// On a file system without locks QEMU runs without them, and so do we.
fn no_locks(error: Errno) -> bool {
    matches!(error, Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use firn_driver_sdk::ErrorKind;

    use super::*;

    #[test]
    fn readers_share_and_a_writer_is_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path();
        let open = || File::options().read(true).write(true).open(path).unwrap();
        let (a, b, c) = (open(), open(), open());
        lock(&a, path, false).unwrap();
        lock(&b, path, false).unwrap();
        assert!(!in_use(&c).unwrap());
        assert_eq!(lock(&c, path, true).unwrap_err().kind(), ErrorKind::Conflict);
        drop((a, b, c));

        let (a, b) = (open(), open());
        lock(&a, path, true).unwrap();
        assert!(in_use(&b).unwrap());
        assert_eq!(lock(&b, path, false).unwrap_err().kind(), ErrorKind::Conflict);
        drop((a, b));
        lock(&open(), path, true).unwrap();
    }
}
