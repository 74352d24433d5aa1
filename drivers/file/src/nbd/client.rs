//! One NBD connection: the safe face of `ffi`.
//!
//! libnbd writes into a buffer that was given to it at any time until the command is retired or
//! the handle closed. Hence the one rule here: no function that lends a buffer returns, by error
//! or panic, before every command is retired or the handle is closed ([`InFlight`]).
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firn_driver_sdk::{DriverError, Extent, ExtentList};

use super::ffi;

/// How often a wait looks whether it was cancelled.
const TICK_MS: c_int = 50;
/// No answer for so long: the storage below hangs.
const SILENCE: Duration = Duration::from_secs(300);
/// Commands in flight on one connection; QEMU serves 16 at a time.
const DEPTH: usize = 16;
const ALLOCATION: &CStr = c"base:allocation";
/// `NBD_STATE_ZERO` of `base:allocation`: reads as zero.
const STATE_ZERO: u32 = 2;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading. Simple replies: QEMU then sends what was asked without looking for holes in it.
    Data,
    /// Asking which parts hold data.
    Allocation,
}

/// A piece of a read: where on the disk, and where to.
pub(super) type Piece<'a> = (u64, &'a mut [u8]);

/// A connection, ready or dead.
#[derive(Debug)]
pub(super) struct Connection {
    /// `None` once given up.
    handle: Option<NonNull<ffi::Handle>>,
}

// SAFETY: libnbd's handles may be used from any thread, one at a time; methods take `&mut self`.
unsafe impl Send for Connection {}

impl Connection {
    /// Shakes hands over `stream`.
    pub(super) fn new(
        stream: UnixStream,
        purpose: Purpose,
        deadline: Instant,
        cancel: &AtomicBool,
    ) -> Result<Self, DriverError> {
        let failed = |source| DriverError::io("use the connection to qemu-nbd", source);
        stream.set_nonblocking(true).map_err(failed)?;
        // SAFETY: no arguments; null is handled.
        let handle =
            NonNull::new(unsafe { ffi::nbd_create() }).ok_or_else(|| nbd_error("start"))?;
        let connection = Self { handle: Some(handle) };
        let handle = handle.as_ptr();
        // SAFETY: the handle is live, owned by `connection`, and newly created.
        unsafe {
            check(ffi::nbd_set_pread_initialize(handle, false))?;
            check(ffi::nbd_set_request_structured_replies(handle, purpose == Purpose::Allocation))?;
            if purpose == Purpose::Allocation {
                check(ffi::nbd_add_meta_context(handle, ALLOCATION.as_ptr()))?;
            }
            // libnbd owns the socket from here on, also where this fails.
            check(ffi::nbd_aio_connect_socket(handle, stream.into_raw_fd()))?;
            while ffi::nbd_aio_is_connecting(handle) == 1 {
                poll(handle, cancel)?;
                if Instant::now() > deadline {
                    return Err(DriverError::unavailable("qemu-nbd does not answer in time"));
                }
            }
            if ffi::nbd_aio_is_ready(handle) != 1 {
                return Err(nbd_error("connect to"));
            }
            if ffi::nbd_is_read_only(handle) != 1 {
                return Err(DriverError::internal("qemu-nbd offers the disk for writing"));
            }
            if purpose == Purpose::Allocation
                && ffi::nbd_can_meta_context(handle, ALLOCATION.as_ptr()) != 1
            {
                return Err(DriverError::internal("qemu-nbd does not tell what is allocated"));
            }
        }
        Ok(connection)
    }

    /// Size of the disk in bytes.
    pub(super) fn size_bytes(&self) -> Result<u64, DriverError> {
        let handle = self.live()?;
        // SAFETY: the handle is live.
        let size = unsafe { ffi::nbd_get_size(handle) };
        u64::try_from(size).map_err(|_| nbd_error("tell the size by"))
    }

    /// Whether it can still be used.
    pub(super) fn is_live(&self) -> bool {
        self.handle.is_some()
    }

    /// Fills every piece, several at a time.
    pub(super) fn read(
        &mut self,
        pieces: &mut [Piece<'_>],
        cancel: &AtomicBool,
    ) -> Result<(), DriverError> {
        let mut flight = InFlight::new(self)?;
        let mut waiting = pieces.iter_mut();
        let mut failure = None;
        loop {
            while failure.is_none() && flight.commands.len() < DEPTH {
                let Some((offset, buffer)) = waiting.next() else { break };
                // SAFETY: the handle is live; the buffer stays borrowed until `flight` has retired
                // the command or closed the handle.
                let cookie = unsafe {
                    ffi::nbd_aio_pread(
                        flight.handle,
                        buffer.as_mut_ptr().cast(),
                        buffer.len(),
                        *offset,
                        ffi::CompletionCallback::NONE,
                        0,
                    )
                };
                flight.push(cookie, *offset, buffer.len())?;
            }
            if flight.commands.is_empty() {
                return failure.map_or(Ok(()), Err);
            }
            if let Err(error) = flight.wait(cancel)? {
                failure = failure.or(Some(error));
            }
        }
    }

    /// The parts of `range` that do not surely read as zero. `range` lies within the disk.
    pub(super) fn allocated(
        &mut self,
        range: Extent,
        cancel: &AtomicBool,
    ) -> Result<ExtentList, DriverError> {
        /// As much as one request can ask for, in whole clusters of any size.
        const STEP: u64 = 1 << 31;
        let mut allocated = ExtentList::new();
        let mut at = range.offset;
        while at < range.end() {
            let mut found = Found::default();
            let length = STEP.min(range.end() - at);
            let mut flight = InFlight::new(self)?;
            let callback = ffi::ExtentCallback {
                callback: Some(take_extents),
                user_data: (&raw mut found).cast(),
                free: None,
            };
            // SAFETY: the handle is live, and `found` outlives `flight`, declared after it, which
            // retires the command or closes the handle before it goes.
            let cookie = unsafe {
                ffi::nbd_aio_block_status(
                    flight.handle,
                    length,
                    at,
                    callback,
                    ffi::CompletionCallback::NONE,
                    0,
                )
            };
            flight.push(cookie, at, length as usize)?;
            while !flight.commands.is_empty() {
                flight.wait(cancel)??;
            }
            drop(flight);
            let start = at;
            for (length, zero) in found.extents {
                let end = (at + length).min(range.end());
                if !zero {
                    allocated.push(Extent::new(at, end - at));
                }
                at = end;
            }
            if at == start {
                return Err(DriverError::internal("qemu-nbd tells nothing of a part of the disk"));
            }
        }
        Ok(allocated)
    }

    fn live(&self) -> Result<*mut ffi::Handle, DriverError> {
        let gone = || DriverError::unavailable("the connection to qemu-nbd is lost");
        self.handle.map(NonNull::as_ptr).ok_or_else(gone)
    }

    fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            // SAFETY: live, and never used again.
            unsafe { ffi::nbd_close(handle.as_ptr()) };
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

struct Command {
    cookie: u64,
    offset: u64,
    length: usize,
}

/// The commands that libnbd may still write results of. Dropped while there are any, it closes
/// the handle.
struct InFlight<'a> {
    connection: &'a mut Connection,
    handle: *mut ffi::Handle,
    commands: Vec<Command>,
    last_answer: Instant,
}

impl<'a> InFlight<'a> {
    fn new(connection: &'a mut Connection) -> Result<Self, DriverError> {
        let handle = connection.live()?;
        let commands = Vec::with_capacity(DEPTH);
        Ok(Self { connection, handle, commands, last_answer: Instant::now() })
    }

    fn push(&mut self, cookie: i64, offset: u64, length: usize) -> Result<(), DriverError> {
        // Refused commands are not in flight.
        let cookie = u64::try_from(cookie).map_err(|_| nbd_error("ask"))?;
        self.commands.push(Command { cookie, offset, length });
        Ok(())
    }

    /// Waits for news and retires what is done. The outer error ends everything, the inner one is
    /// of one command.
    fn wait(&mut self, cancel: &AtomicBool) -> Result<Result<(), DriverError>, DriverError> {
        // SAFETY: the handle is live.
        unsafe { poll(self.handle, cancel) }?;
        let before = self.commands.len();
        let handle = self.handle;
        let mut failure = Ok(());
        self.commands.retain(|command| {
            // SAFETY: the handle is live.
            match unsafe { ffi::nbd_aio_command_completed(handle, command.cookie) } {
                0 => true,
                1 => false,
                _ => {
                    failure = Err(command_error(command));
                    false
                }
            }
        });
        // SAFETY: the handle is live.
        if unsafe { ffi::nbd_aio_is_dead(handle) == 1 || ffi::nbd_aio_is_closed(handle) == 1 } {
            return Err(self.broken());
        }
        if self.commands.len() < before {
            self.last_answer = Instant::now();
        } else if self.last_answer.elapsed() > SILENCE {
            return Err(DriverError::unavailable(format!(
                "qemu-nbd has not answered for {} seconds: look at the storage below the disk",
                SILENCE.as_secs()
            )));
        }
        Ok(failure)
    }

    /// Gives the connection up.
    fn broken(&mut self) -> DriverError {
        self.connection.close();
        DriverError::unavailable("the connection to qemu-nbd broke")
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.commands.is_empty() {
            self.connection.close();
        }
    }
}

/// What a block status command has told so far: length and "reads as zero".
#[derive(Default)]
struct Found {
    extents: Vec<(u64, bool)>,
}

unsafe extern "C" fn take_extents(
    user_data: *mut c_void,
    metacontext: *const c_char,
    _offset: u64,
    entries: *mut u32,
    nr_entries: usize,
    _error: *mut c_int,
) -> c_int {
    // SAFETY: `user_data` is the `Found` of the one command that this is a callback of, used by
    // nobody else meanwhile; libnbd gives a C string and an array of `nr_entries`.
    let (found, context, entries) = unsafe {
        (
            &mut *user_data.cast::<Found>(),
            CStr::from_ptr(metacontext),
            std::slice::from_raw_parts(entries, nr_entries),
        )
    };
    if context == ALLOCATION {
        for pair in entries.chunks_exact(2) {
            found.extents.push((u64::from(pair[0]), pair[1] & STATE_ZERO != 0));
        }
    }
    0
}

/// Lets libnbd work until something happens or a tick has passed.
///
/// # Safety
/// `handle` is live.
unsafe fn poll(handle: *mut ffi::Handle, cancel: &AtomicBool) -> Result<(), DriverError> {
    if cancel.load(Ordering::Relaxed) {
        return Err(DriverError::cancelled());
    }
    // SAFETY: by the caller.
    if unsafe { ffi::nbd_poll(handle, TICK_MS) } == -1 {
        // A signal only cuts the wait short.
        if last_error().0.kind() != io::ErrorKind::Interrupted {
            return Err(nbd_error("talk to"));
        }
    }
    Ok(())
}

fn check(result: c_int) -> Result<(), DriverError> {
    if result == -1 { Err(nbd_error("set up the connection to")) } else { Ok(()) }
}

/// libnbd's account of this thread's last failure.
fn last_error() -> (io::Error, String) {
    // SAFETY: no arguments; the string is the thread's own and copied at once.
    unsafe {
        let text = ffi::nbd_get_error();
        let text = if text.is_null() { c"no reason given" } else { CStr::from_ptr(text) };
        let code = io::Error::from_raw_os_error(ffi::nbd_get_errno());
        (code, text.to_string_lossy().into_owned())
    }
}

fn nbd_error(doing: &str) -> DriverError {
    let (_, text) = last_error();
    DriverError::unavailable(format!("cannot {doing} qemu-nbd: {text}"))
}

fn command_error(command: &Command) -> DriverError {
    let (code, _) = last_error();
    DriverError::integrity(format!(
        "QEMU cannot read {} bytes at offset {}: the image or the storage below it is damaged \
         (qemu-img check tells more)",
        command.length, command.offset
    ))
    .with_source(code)
}
