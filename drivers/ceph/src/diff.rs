//! What differs between two points in an image's time, as librbd tells it.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use firn_driver_sdk::{DriverError, Extent, ExtentList};

use crate::control::Control;
use crate::errno::check;
use crate::ffi::rbd;
use crate::image::Image;

/// So much is asked for in one call, which ends well within the time that silence may take.
const EXACT_STEP_BYTES: u64 = 8 << 30;
/// Each call looks at the whole map.
const OBJECTS_STEP_BYTES: u64 = 1 << 40;
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

/// What may differ, inside `ranges`, between a snapshot and what is opened; without a snapshot,
/// everything that may be data. The parent of a clone is looked at too.
///
/// # Errors
/// What the cluster answers, or the cancel.
pub(crate) fn diff(
    image: &Arc<Image>,
    from: Option<&CStr>,
    ranges: &ExtentList,
    detail: Detail,
    control: &Arc<Control>,
) -> Result<ExtentList, DriverError> {
    let step = match detail {
        Detail::Objects => OBJECTS_STEP_BYTES,
        Detail::Exact => EXACT_STEP_BYTES,
    };
    let mut found = ExtentList::new();
    for batch in batches(ranges, step) {
        let (image, from) = (Arc::clone(image), from.map(CStr::to_owned));
        let calling = Arc::clone(control);
        let extents = control.run(move || {
            let mut found = Found { extents: ExtentList::new(), control: &calling };
            for range in batch {
                iterate(&image, from.as_deref(), range, detail, &mut found)?;
            }
            Ok(found.extents)
        })?;
        extents.as_slice().iter().for_each(|extent| found.push(*extent));
    }
    Ok(found.intersection(ranges))
}

/// The ranges, cut and put together to `step` bytes.
fn batches(ranges: &ExtentList, step: u64) -> Vec<Vec<Extent>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut room = step;
    for range in ranges.as_slice() {
        let mut at = range.offset;
        while at < range.end() {
            let length = room.min(range.end() - at);
            batch.push(Extent::new(at, length));
            at += length;
            room -= length;
            if room == 0 {
                batches.push(std::mem::take(&mut batch));
                room = step;
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn iterate(
    image: &Image,
    from: Option<&CStr>,
    range: Extent,
    detail: Detail,
    found: &mut Found<'_>,
) -> Result<(), DriverError> {
    found.control.check()?;
    // SAFETY: the image is live; a C string or null; `found` outlives the call, which alone calls
    // `take`, on this thread.
    let answer = unsafe {
        rbd::rbd_diff_iterate2(
            image.handle(),
            from.map_or(ptr::null(), CStr::as_ptr),
            range.offset,
            range.length,
            1,
            u8::from(detail == Detail::Objects),
            take,
            ptr::from_mut(found).cast(),
        )
    };
    found.control.check()?;
    check(answer, || format!("compare {} with its past", image.label())).map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_everything_in_steps() {
        let ranges: ExtentList =
            [(0, 3), (10, 25), (40, 1)].map(|(o, l)| Extent::new(o, l)).into_iter().collect();
        let batches = batches(&ranges, 10);
        let sizes: Vec<u64> =
            batches.iter().map(|batch| batch.iter().map(|one| one.length).sum()).collect();
        assert_eq!(sizes, [10, 10, 9]);
        assert_eq!(batches.into_iter().flatten().collect::<ExtentList>(), ranges);
    }
}
