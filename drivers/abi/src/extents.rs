//! Lists of extents that cross.
#![allow(unsafe_code)] // Reads memory that the other side points at.

use std::ffi::c_void;
use std::ptr;

use crate::text::{OutputFault, slice_at};

/// A run of bytes of a disk. Elements of arrays never grow.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// An owned list of extents that a driver gives out, in any order. The receiver copies it and
/// calls `release(owner)`; `release` NULL: nothing is to be released. `items` NULL with `count` 0
/// is the empty list.
#[repr(C)]
#[derive(Debug)]
pub struct Extents {
    /// First extent.
    pub items: *const Extent,
    /// Number of extents.
    pub count: usize,
    /// Releases it: called once, from any thread. May be NULL.
    pub release: Option<unsafe extern "C" fn(owner: *mut c_void)>,
    /// Given to `release`; not looked at otherwise.
    pub owner: *mut c_void,
}

/// Longest list that is accepted: one extent per 64 KiB of an 8 TiB disk. 2 GiB of memory.
const MAX_EXTENTS: usize = 1 << 27;

impl Extents {
    /// The empty list.
    pub const fn none() -> Self {
        Self { items: ptr::null(), count: 0, release: None, owner: ptr::null_mut() }
    }

    /// Takes the value and releases the output, whatever it held.
    ///
    /// # Errors
    /// Where it cannot be a list.
    ///
    /// # Safety
    /// As for [`crate::Text::take`], with `count` extents at `items`.
    pub unsafe fn take(&mut self) -> Result<Vec<Extent>, OutputFault> {
        let taken = std::mem::replace(self, Self::none());
        // SAFETY: the extents stay until the release below; the rest is passed on to the caller.
        let value = unsafe { slice_at(taken.items, taken.count, MAX_EXTENTS) }
            .map(|extents| extents.unwrap_or_default().to_vec());
        if let Some(release) = taken.release {
            // SAFETY: passed on to the caller; `self` no longer holds it, so it is called once.
            unsafe { release(taken.owner) };
        }
        value
    }
}

impl From<Vec<Extent>> for Extents {
    fn from(extents: Vec<Extent>) -> Self {
        let owner = Box::into_raw(Box::new(extents));
        // SAFETY: `owner` was just made and is freed only by `release_extents`.
        let held = unsafe { &*owner };
        Self {
            items: held.as_ptr(),
            count: held.len(),
            release: Some(release_extents),
            owner: owner.cast(),
        }
    }
}

/// # Safety
/// `owner` comes from `Extents::from` and was not released before.
unsafe extern "C" fn release_extents(owner: *mut c_void) {
    // SAFETY: see above: it is the box that `Extents::from` let go of.
    drop(unsafe { Box::from_raw(owner.cast::<Vec<Extent>>()) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back() {
        let list = vec![Extent { offset: 0, length: 4 }, Extent { offset: 9, length: 1 }];
        // SAFETY: made by `Extents::from`.
        assert_eq!(unsafe { Extents::from(list.clone()).take() }, Ok(list));
        // SAFETY: made by `Extents::from`.
        assert_eq!(unsafe { Extents::from(Vec::new()).take() }, Ok(Vec::new()));
    }

    #[test]
    fn faulty_lists_are_refused() {
        let words = [0_u64; 4];
        let odd = words.as_ptr().cast::<u8>().wrapping_add(1).cast::<Extent>();
        let cases = [
            (words.as_ptr().cast(), usize::MAX, OutputFault::TooLong),
            (ptr::null(), 1, OutputFault::NullData),
            (odd, 1, OutputFault::Misaligned),
        ];
        for (items, count, fault) in cases {
            let mut list = Extents { items, count, ..Extents::none() };
            // SAFETY: the values that are wrong are refused before they are used.
            assert_eq!(unsafe { list.take() }, Err(fault));
        }
    }
}
