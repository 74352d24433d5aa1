//! C functions by which a test reaches the medium inside the loaded library. They are no part of
//! the driver ABI.
#![allow(unsafe_code)] // Called across a library's border.

use std::slice;

use crate::Medium;

/// Runs with medium and image name as strings; -1 where they are none or the work fails.
///
/// # Safety
/// `names` points at `names_length` readable bytes: `medium` `/` `image`.
unsafe fn with_names(
    names: *const u8,
    names_length: usize,
    work: impl FnOnce(Medium, &str) -> Option<i64>,
) -> i64 {
    // SAFETY: passed on to the caller.
    let names = unsafe { slice::from_raw_parts(names, names_length) };
    std::str::from_utf8(names)
        .ok()
        .and_then(|names| names.split_once('/'))
        .and_then(|(medium, image)| work(Medium::named(medium), image))
        .unwrap_or(-1)
}

/// Makes an image.
///
/// # Safety
/// `names` and `data` point at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn firn_memory_create(
    names: *const u8,
    names_length: usize,
    data: *const u8,
    length: usize,
) -> i64 {
    // SAFETY: passed on to the caller.
    unsafe {
        let data = slice::from_raw_parts(data, length).to_vec();
        with_names(names, names_length, |medium, image| medium.create(image, data).ok().map(|()| 0))
    }
}

/// Removes an image.
///
/// # Safety
/// `names` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn firn_memory_remove(names: *const u8, names_length: usize) -> i64 {
    // SAFETY: passed on to the caller.
    unsafe {
        with_names(names, names_length, |medium, image| {
            medium.remove(image);
            Some(0)
        })
    }
}

/// Writes to an image as a guest would.
///
/// # Safety
/// `names` and `data` point at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn firn_memory_write(
    names: *const u8,
    names_length: usize,
    offset: u64,
    data: *const u8,
    length: usize,
) -> i64 {
    // SAFETY: passed on to the caller.
    unsafe {
        let data = slice::from_raw_parts(data, length);
        with_names(names, names_length, |medium, image| {
            medium.write(image, offset, data).ok().map(|()| 0)
        })
    }
}

/// Copies an image's bytes into `buffer` as far as they fit; answers how many it has.
///
/// # Safety
/// `names` points at so many readable, `buffer` at so many writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn firn_memory_read(
    names: *const u8,
    names_length: usize,
    buffer: *mut u8,
    length: usize,
) -> i64 {
    // SAFETY: passed on to the caller.
    unsafe {
        let buffer = slice::from_raw_parts_mut(buffer, length);
        with_names(names, names_length, |medium, image| {
            medium
                .with(image, |image| {
                    let fits = length.min(image.data().len());
                    buffer[..fits].copy_from_slice(&image.data()[..fits]);
                    Ok(image.data().len() as i64)
                })
                .ok()
        })
    }
}
