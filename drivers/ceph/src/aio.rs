//! Operations in flight.
//!
//! librbd cannot cancel one. So an operation owns its memory and needs nobody: who waits for it
//! may give up, and the callback then frees what it holds. The callback runs in a thread of
//! librbd, so it must neither wait nor close an image.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use firn_driver_sdk::DriverError;
use parking_lot::{Condvar, Mutex};

use crate::buffers::Buffer;
use crate::errno::check;
use crate::ffi::rbd;
use crate::image::Image;

/// What is asked of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Into the buffer.
    Read,
    /// From the buffer.
    Write,
    /// Make it read as zero and free its space.
    Zero,
    /// Make everything durable; has no place.
    Flush,
}

/// An operation that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// As given to [`start`].
    pub(crate) index: usize,
    pub(crate) buffer: Buffer,
    /// Bytes that were read, 0, or a negated `errno`.
    pub(crate) result: isize,
}

struct Operation {
    index: usize,
    buffer: Buffer,
    answers: Sender<Done>,
    in_flight: InFlight,
}

/// Counts the operations of one image that librbd has not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<(Mutex<usize>, Condvar)>);

impl InFlight {
    /// Whether there is none, or none any more within `patience`.
    pub(crate) fn is_none_within(&self, patience: Duration) -> bool {
        let mut count = self.0.0.lock();
        self.0.1.wait_while_for(&mut count, |count| *count > 0, patience);
        *count == 0
    }

    /// Waits until there is none.
    pub(crate) fn wait(&self) {
        let mut count = self.0.0.lock();
        while *count > 0 {
            self.0.1.wait(&mut count);
        }
    }

    fn add(&self) {
        *self.0.0.lock() += 1;
    }

    fn remove(&self) {
        *self.0.0.lock() -= 1;
        self.0.1.notify_all();
    }
}

/// Starts an operation of `length` bytes, which the buffer holds or takes; it is told to `answers`
/// when it ends.
///
/// # Errors
/// `Internal` where librbd does not take it.
pub(crate) fn start(
    image: &Image,
    action: Action,
    (offset, length): (u64, usize),
    index: usize,
    mut buffer: Buffer,
    answers: &Sender<Done>,
) -> Result<(), DriverError> {
    let memory = match action {
        Action::Read | Action::Write => buffer.first(length).as_mut_ptr().cast(),
        Action::Zero | Action::Flush => ptr::null_mut(),
    };
    let in_flight = image.in_flight().clone();
    let operation = Box::new(Operation { index, buffer, answers: answers.clone(), in_flight });
    let argument = Box::into_raw(operation);
    let mut completion = ptr::null_mut();
    // SAFETY: an out pointer; the argument lives until the callback takes it.
    let made =
        unsafe { rbd::rbd_aio_create_completion(argument.cast(), completed, &mut completion) };
    if let Err(error) = check(made, || format!("start an operation on {}", image.label())) {
        // SAFETY: from `into_raw` above; no callback will come.
        drop(unsafe { Box::from_raw(argument) });
        return Err(error);
    }
    image.in_flight().add();
    let handle = image.handle();
    // SAFETY: the image is live and stays so while the operation is counted; `memory` is the heap
    // of the operation's buffer, which moves with neither the buffer nor the box.
    let started = unsafe {
        match action {
            Action::Read => rbd::rbd_aio_read(handle, offset, length, memory, completion),
            Action::Write => rbd::rbd_aio_write(handle, offset, length, memory, completion),
            Action::Zero => rbd::rbd_aio_write_zeroes(handle, offset, length, completion, 0, 0),
            Action::Flush => rbd::rbd_aio_flush(handle, completion),
        }
    };
    if started < 0 {
        // librbd says all else by the callback, which does not come after this.
        image.in_flight().remove();
        // SAFETY: not in flight, so that both are ours alone.
        unsafe {
            rbd::rbd_aio_release(completion);
            drop(Box::from_raw(argument));
        }
    }
    let answer: c_int = started;
    check(answer, || format!("start an operation on {}", image.label())).map(drop)
}

unsafe extern "C" fn completed(completion: rbd::Completion, argument: *mut c_void) {
    // SAFETY: librbd calls this once for each completion, with the box that `start` gave it; the
    // completion is released once.
    let (operation, result) = unsafe {
        let operation = Box::from_raw(argument.cast::<Operation>());
        let result = rbd::rbd_aio_get_return_value(completion);
        rbd::rbd_aio_release(completion);
        (operation, result)
    };
    let Operation { index, buffer, answers, in_flight } = *operation;
    // Where nobody waits any more this gives the buffer back.
    drop(answers.send(Done { index, buffer, result }));
    in_flight.remove();
}
