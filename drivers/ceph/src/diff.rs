//! What differs between two points in an image's time, as librbd tells it.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use firn_driver_sdk::{DriverError, Extent, ExtentList};

use crate::control::Control;
use crate::errno::failed;
use crate::ffi::rbd;
use crate::image::Image;

/// So much is asked for at once: a cancel is looked for in between.
const STEP_BYTES: u64 = 64 << 30;
const ECANCELED: c_int = 125;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Whole objects, from the object map where there is a valid one: next to nothing.
    Objects,
    /// Within objects: a question to an OSD for each.
    Exact,
}

struct Found<'a> {
    extents: ExtentList,
    control: &'a Control,
}

/// What may differ, inside `range`, between a snapshot and what is opened; without a snapshot,
/// everything that may be data. The parent of a clone is looked at too.
///
/// # Errors
/// What the cluster answers, or the cancel.
pub(crate) fn diff(
    image: &Image,
    from: Option<&CStr>,
    range: Extent,
    detail: Detail,
    control: &Control,
) -> Result<ExtentList, DriverError> {
    let mut found = Found { extents: ExtentList::new(), control };
    let mut at = range.offset;
    while at < range.end() {
        control.check()?;
        let length = STEP_BYTES.min(range.end() - at);
        // SAFETY: the image is live; a C string or null; `found` outlives the call, which alone
        // calls `take`, on this thread.
        let answer = unsafe {
            rbd::rbd_diff_iterate2(
                image.handle(),
                from.map_or(ptr::null(), CStr::as_ptr),
                at,
                length,
                1,
                u8::from(detail == Detail::Objects),
                take,
                (&raw mut found).cast(),
            )
        };
        control.check()?;
        if answer < 0 {
            return Err(failed(-answer, format!("compare {} with its past", image.label())));
        }
        at += length;
    }
    let inside: ExtentList = [range].into_iter().collect();
    Ok(found.extents.intersection(&inside))
}

unsafe extern "C" fn take(
    offset: u64,
    length: usize,
    _exists: c_int,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: the `found` of the one `diff` that runs on this thread, lent to librbd by it.
    let found = unsafe { &mut *argument.cast::<Found<'_>>() };
    if found.control.is_cancelled() {
        return -ECANCELED;
    }
    found.extents.push(Extent::new(offset, length as u64));
    0
}
