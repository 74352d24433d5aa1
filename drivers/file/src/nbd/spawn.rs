//! Starts a child that dies with this process and inherits chosen descriptors. A leaf of its own
//! because what runs between fork and exec is unsafe to choose.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::libc;

/// Starts `command` with `inherit` left open, under their numbers.
///
/// The child is killed when the *thread* that calls this ends, by whatever cause, `kill -9` of
/// the process included. The descriptors must stay open until it returns.
pub(super) fn spawn(command: &mut Command, inherit: Vec<RawFd>) -> io::Result<Child> {
    let parent = std::process::id();
    let prepare = move || {
        // SAFETY: prctl, getppid, fcntl and _exit are async-signal-safe and get plain numbers.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the line above.
            if libc::getppid() as u32 != parent {
                libc::_exit(1);
            }
            for fd in &inherit {
                if libc::fcntl(*fd, libc::F_SETFD, 0) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing, takes no lock and calls only async-signal-safe
    // functions.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}
