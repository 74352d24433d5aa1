//! Strings that cross: borrowed going in, owned coming out.
#![allow(unsafe_code)] // Reads memory that the other side points at.

use std::ffi::{c_char, c_void};
use std::ptr;

/// A borrowed run of UTF-8, valid for the duration of the call it is given to. It does not end in
/// a zero byte: always use `length`. `data` NULL means: no value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// First byte, or NULL for no value.
    pub data: *const c_char,
    /// Number of bytes.
    pub length: usize,
}

impl Str {
    /// No value.
    pub const NONE: Self = Self { data: ptr::null(), length: 0 };

    /// Borrows `text`; the caller keeps it alive as long as the value is used.
    pub const fn new(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), length: text.len() }
    }

    /// Reads the string; `Ok(None)` for no value.
    ///
    /// # Errors
    /// Where it cannot be a string.
    ///
    /// # Safety
    /// Where `data` is not NULL it must point at `length` readable bytes that nobody changes
    /// during `'a`.
    pub unsafe fn read<'a>(self) -> Result<Option<&'a str>, OutputFault> {
        // SAFETY: passed on to the caller.
        let Some(bytes) = (unsafe { slice_at(self.data.cast::<u8>(), self.length, MAX_TEXT) })?
        else {
            return Ok(None);
        };
        std::str::from_utf8(bytes).map(Some).map_err(|_| OutputFault::NotUtf8)
    }
}

/// An owned string that a driver gives out: UTF-8, not ended by a zero byte. The receiver copies
/// it and calls `release(owner)`. `release` NULL: nothing is to be released (a string literal).
/// `data` NULL means: no value.
#[repr(C)]
#[derive(Debug)]
pub struct Text {
    /// First byte, or NULL for no value.
    pub data: *const c_char,
    /// Number of bytes.
    pub length: usize,
    /// Releases it: called once, from any thread. May be NULL.
    pub release: Option<unsafe extern "C" fn(owner: *mut c_void)>,
    /// Given to `release`; not looked at otherwise.
    pub owner: *mut c_void,
}

/// Longest string that is accepted from the other side, in bytes.
const MAX_TEXT: usize = 16 << 20;

/// What the other side gave out that cannot be what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFault {
    /// NULL with a length.
    NullData,
    /// Longer than anything meant.
    TooLong,
    /// An address that the type cannot have.
    Misaligned,
    /// Not UTF-8.
    NotUtf8,
}

impl OutputFault {
    /// In words, to follow "the driver gave out".
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NullData => "a null pointer with a length",
            Self::TooLong => "an output of impossible length",
            Self::Misaligned => "a misaligned pointer",
            Self::NotUtf8 => "text that is not UTF-8",
        }
    }
}

impl Text {
    /// No value: what a caller puts in place of an output before the call.
    pub const fn none() -> Self {
        Self { data: ptr::null(), length: 0, release: None, owner: ptr::null_mut() }
    }

    /// A string that is never released.
    pub const fn from_static(text: &'static str) -> Self {
        Self { release: None, owner: ptr::null_mut(), ..Self::borrowing(text) }
    }

    const fn borrowing(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), length: text.len(), ..Self::none() }
    }

    /// Takes the value and releases the output, whatever it held. `Ok(None)` for no value.
    ///
    /// # Errors
    /// Where it cannot be a string.
    ///
    /// # Safety
    /// Where `data` is not NULL it must point at `length` readable bytes that nobody changes
    /// before the release; `release` must be callable with `owner`, once.
    pub unsafe fn take(&mut self) -> Result<Option<String>, OutputFault> {
        let taken = std::mem::replace(self, Self::none());
        // SAFETY: the bytes stay until the release below; the rest is passed on to the caller.
        let value = unsafe { Str { data: taken.data, length: taken.length }.read() }
            .map(|text| text.map(str::to_owned));
        if let Some(release) = taken.release {
            // SAFETY: passed on to the caller; `self` no longer holds it, so it is called once.
            unsafe { release(taken.owner) };
        }
        value
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let owner = Box::into_raw(Box::new(text));
        // SAFETY: `owner` was just made and is freed only by `release_string`.
        let held = unsafe { &*owner };
        Self { release: Some(release_string), owner: owner.cast(), ..Self::borrowing(held) }
    }
}

/// # Safety
/// `owner` comes from `Text::from` and was not released before.
unsafe extern "C" fn release_string(owner: *mut c_void) {
    // SAFETY: see above: it is the box that `Text::from` let go of.
    drop(unsafe { Box::from_raw(owner.cast::<String>()) });
}

/// `length` items at `data`: `None` where `data` is null and `length` is 0.
///
/// # Safety
/// Where `data` is neither null nor misaligned and `length` is at most `max`, it must point at
/// `length` initialised items that nobody changes during `'a`.
pub(crate) unsafe fn slice_at<'a, T>(
    data: *const T,
    length: usize,
    max: usize,
) -> Result<Option<&'a [T]>, OutputFault> {
    if data.is_null() {
        return if length == 0 { Ok(None) } else { Err(OutputFault::NullData) };
    }
    if length > max {
        return Err(OutputFault::TooLong);
    }
    if !data.is_aligned() {
        return Err(OutputFault::Misaligned);
    }
    // SAFETY: not null, aligned, and `max` keeps the size far below `isize::MAX`; the rest is
    // passed on to the caller.
    Ok(Some(unsafe { std::slice::from_raw_parts(data, length) }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn an_owned_text_comes_back_once() {
        let mut text = Text::from("grüße".to_owned());
        // SAFETY: made by `Text::from`.
        assert_eq!(unsafe { text.take() }, Ok(Some("grüße".to_owned())));
        // SAFETY: `take` left no value.
        assert_eq!(unsafe { text.take() }, Ok(None));
    }

    #[test]
    fn an_empty_text_is_a_value() {
        // SAFETY: made by `Text::from`.
        assert_eq!(unsafe { Text::from(String::new()).take() }, Ok(Some(String::new())));
    }

    #[test]
    fn a_static_text_needs_no_release() {
        // SAFETY: a literal.
        assert_eq!(unsafe { Text::from_static("x").take() }, Ok(Some("x".to_owned())));
    }

    unsafe extern "C" fn count(owner: *mut c_void) {
        // SAFETY: the tests below give the address of a counter.
        unsafe { &*owner.cast::<AtomicUsize>() }.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn faulty_texts_are_refused_and_still_released() {
        let bad = [0xff_u8, 0xfe];
        let released = AtomicUsize::new(0);
        let owner = (&raw const released).cast_mut().cast();
        let cases = [
            (bad.as_ptr(), 2, OutputFault::NotUtf8),
            (bad.as_ptr(), usize::MAX, OutputFault::TooLong),
            (ptr::null(), 3, OutputFault::NullData),
        ];
        for (data, length, fault) in cases {
            let mut text = Text { data: data.cast(), length, release: Some(count), owner };
            // SAFETY: the lengths that are wrong are refused before they are used.
            assert_eq!(unsafe { text.take() }, Err(fault));
        }
        assert_eq!(released.load(Ordering::Relaxed), 3);
    }
}
