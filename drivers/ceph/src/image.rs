//! An opened image: the safe face of librbd, but for operations in flight (`aio`), differences
//! (`diff`) and snapshots (`snapshot`).
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::ptr;
use std::thread;
use std::time::Duration;

use firn_driver_sdk::DriverError;

use crate::aio::InFlight;
use crate::cluster::Pool;
use crate::errno::{EINVAL, ERANGE, check};
use crate::ffi::rbd;
use crate::location::{Place, c_string};

/// How long closing waits for operations in flight; after that they are left to a thread.
const CLOSING: Duration = Duration::from_secs(2);
/// Ids are some twenty letters.
const ID_BYTES: usize = 64;

/// What an image is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Reading; librbd then refuses to write, and leaves no trace in the cluster.
    ReadOnly,
    /// Writing, and snapshots.
    ReadWrite,
}

/// An opened image; closed when dropped, or, where operations are in flight, when those have
/// ended.
#[derive(Debug)]
pub(crate) struct Image {
    /// `None` only while it is dropped.
    opened: Option<Opened>,
    in_flight: InFlight,
    label: String,
}

#[derive(Debug)]
struct Opened {
    handle: rbd::Image,
    pool: Pool,
}

// SAFETY: librbd's images may be used from any thread, several at once.
unsafe impl Send for Opened {}
// SAFETY: as above.
unsafe impl Sync for Opened {}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: live, never used again, and its pool lives still.
        let closed = unsafe { rbd::rbd_close(self.handle) };
        if closed < 0 {
            tracing::warn!(errno = -closed, "an image could not be closed in order");
        }
    }
}

impl Image {
    /// Opens the image, or a snapshot of it.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub(crate) fn open(
        pool: Pool,
        place: &Place,
        snapshot: Option<&str>,
        mode: Mode,
    ) -> Result<Self, DriverError> {
        let name = c_string(&place.image)?;
        let label = match snapshot {
            Some(snapshot) => format!("{place}@{snapshot}"),
            None => place.to_string(),
        };
        let snapshot = snapshot.map(c_string).transpose()?;
        let at = snapshot.as_ref().map_or(ptr::null(), |snapshot| snapshot.as_ptr());
        let mut handle = ptr::null_mut();
        // SAFETY: the pool lives through the call and as long as the image; an out pointer, a C
        // string, and another one or null.
        let opened = unsafe {
            match mode {
                Mode::ReadOnly => {
                    rbd::rbd_open_read_only(pool.io(), name.as_ptr(), &mut handle, at)
                }
                Mode::ReadWrite => rbd::rbd_open(pool.io(), name.as_ptr(), &mut handle, at),
            }
        };
        check(opened, || format!("open {label}"))?;
        let opened = Some(Opened { handle, pool });
        Ok(Self { opened, in_flight: InFlight::default(), label })
    }

    /// Makes an image of zeros, with the features that the cluster's configuration gives new ones.
    ///
    /// # Errors
    /// `Conflict` where there is one of this name.
    pub(crate) fn create(
        pool: &Pool,
        place: &Place,
        size_bytes: u64,
        data_pool: Option<&str>,
    ) -> Result<(), DriverError> {
        let name = c_string(&place.image)?;
        let data_pool = data_pool.map(c_string).transpose()?;
        let mut options = ptr::null_mut();
        // SAFETY: an out pointer; the options live until they are destroyed below, the pool and
        // the C strings through the calls.
        let created = unsafe {
            rbd::rbd_image_options_create(&mut options);
            let set = data_pool.as_ref().map_or(0, |data_pool| {
                let option = rbd::OPTION_DATA_POOL;
                rbd::rbd_image_options_set_string(options, option, data_pool.as_ptr())
            });
            let created = match set {
                0.. => rbd::rbd_create4(pool.io(), name.as_ptr(), size_bytes, options),
                _ => set,
            };
            rbd::rbd_image_options_destroy(options);
            created
        };
        check(created, || format!("create {place} with {size_bytes} bytes")).map(drop)
    }

    /// Pool, image and snapshot, for messages.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// The operations that librbd has not ended.
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// The pool it was opened in.
    pub(crate) fn pool(&self) -> Option<&Pool> {
        self.opened.as_ref().map(|opened| &opened.pool)
    }

    /// For librbd, as long as `self` lives.
    pub(crate) fn handle(&self) -> rbd::Image {
        self.opened.as_ref().map_or(ptr::null_mut(), |opened| opened.handle)
    }

    /// # Errors
    /// What the cluster answers.
    pub(crate) fn size_bytes(&self) -> Result<u64, DriverError> {
        self.number("tell the size of", rbd::rbd_get_size)
    }

    /// How much of a clone still comes from its parent, from the start; 0 without a parent.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn overlap_bytes(&self) -> Result<u64, DriverError> {
        self.number("tell the parent's part of", rbd::rbd_get_overlap)
    }

    /// Whether only the holder of the lock writes, so that every writer shows in the header.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn has_exclusive_lock(&self) -> Result<bool, DriverError> {
        let features = self.number("tell the features of", rbd::rbd_get_features)?;
        Ok(features & rbd::FEATURE_EXCLUSIVE_LOCK != 0)
    }

    /// Whether a snapshot of it has clones that keep no protected snapshot (clones of format 2).
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn has_clones(&self) -> Result<bool, DriverError> {
        let features = self.number("look for clones of", rbd::rbd_get_op_features)?;
        Ok(features & rbd::OPERATION_CLONE_PARENT != 0)
    }

    /// Whether the object map tells at once which objects changed up to here.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn has_fast_diff(&self) -> Result<bool, DriverError> {
        let features = self.number("tell the features of", rbd::rbd_get_features)?;
        let flags = self.number("tell the flags of", rbd::rbd_get_flags)?;
        Ok(features & rbd::FEATURE_FAST_DIFF != 0 && flags & rbd::FLAGS_MAP_INVALID == 0)
    }

    fn number(
        &self,
        doing: &str,
        ask: unsafe extern "C" fn(rbd::Image, *mut u64) -> c_int,
    ) -> Result<u64, DriverError> {
        let mut number = 0;
        // SAFETY: live, and an out pointer.
        let answer = unsafe { ask(self.handle(), &mut number) };
        check(answer, || format!("{doing} {}", self.label))?;
        Ok(number)
    }

    /// The id that the image keeps under any name; another image never has it.
    ///
    /// # Errors
    /// `Unsupported` for images of format 1, which have none.
    pub(crate) fn id(&self) -> Result<String, DriverError> {
        let mut text = [0_u8; ID_BYTES];
        // SAFETY: live; the buffer has the length that is told.
        let answer =
            unsafe { rbd::rbd_get_id(self.handle(), text.as_mut_ptr().cast(), text.len()) };
        if answer == -EINVAL {
            return Err(DriverError::unsupported(format!(
                "images of format 1: migrate {} (rbd migration) to format 2",
                self.label
            )));
        }
        check(answer, || format!("tell the id of {}", self.label))?;
        let text = CStr::from_bytes_until_nul(&text).map(CStr::to_string_lossy);
        Ok(text.unwrap_or_default().into_owned())
    }

    /// Whether somebody has it open for writing: every writer watches the image's header.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn is_watched(&self) -> Result<bool, DriverError> {
        let mut watchers = [rbd::Watcher { address: ptr::null_mut(), id: 0, cookie: 0 }; 8];
        let mut count = watchers.len();
        // SAFETY: live; the array has the length that is told, and what the call put there is
        // freed once.
        let answer = unsafe {
            let array = watchers.as_mut_ptr();
            let answer = rbd::rbd_watchers_list(self.handle(), array, &mut count);
            if answer >= 0 {
                rbd::rbd_watchers_list_cleanup(array, count);
            }
            answer
        };
        if answer == -ERANGE {
            return Ok(true);
        }
        check(answer, || format!("list the users of {}", self.label))?;
        Ok(count > 0)
    }

    /// Keeps all others from writing until the image is closed.
    ///
    /// # Errors
    /// `Forbidden` or `Conflict` where another has the lock.
    pub(crate) fn lock(&self) -> Result<(), DriverError> {
        // SAFETY: live.
        let locked = unsafe { rbd::rbd_lock_acquire(self.handle(), rbd::LOCK_MODE_EXCLUSIVE) };
        check(locked, || format!("lock {}", self.label)).map(drop)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let opened = self.opened.take();
        // Closed here if at all possible: where the process ends before a thread has closed it, the
        // cluster takes it to be in use for half a minute, and others cannot remove it. An operation
        // is counted for a moment after its answer has come.
        if self.in_flight.is_none_within(CLOSING) {
            return;
        }
        // Their memory is their own; they end by librados's timeouts at the latest.
        let in_flight = self.in_flight.clone();
        let close = move || {
            in_flight.wait();
            drop(opened);
        };
        let thread = thread::Builder::new().name("firn-ceph-close".to_owned()).spawn(close);
        if let Err(error) = thread {
            tracing::warn!(%error, "an image was closed without waiting for its operations");
        }
    }
}
