//! Structs that grow: reading what a maker of another version filled in.
#![allow(unsafe_code)] // Reads memory that the other side points at.

use std::mem::{MaybeUninit, size_of};
use std::ptr;

/// Largest `struct_size` that is believed, in bytes.
pub const MAX_STRUCT_SIZE: usize = 1 << 16;

/// Why a struct of the other side cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeFault {
    /// NULL where a struct must be.
    Null,
    /// An address that the struct cannot have.
    Misaligned,
    /// `struct_size` does not reach the end of the fields that every version has.
    Short {
        /// What it says.
        struct_size: usize,
        /// What it must say at least.
        required: usize,
    },
    /// `struct_size` is larger than any struct here will ever be.
    Absurd {
        /// What it says.
        struct_size: usize,
    },
}

/// A struct that begins with `struct_size: usize`, may grow, and is valid when all its bytes are
/// zero.
///
/// # Safety
/// The type is `repr(C)`, its first field is `struct_size: usize`, all zero bytes are a valid
/// value of it, and every field is an integer, a raw pointer, or an optional function of pointer
/// size, none larger than 8 bytes, so that no cut at a multiple of 8 divides one.
pub unsafe trait Growing: Copy {
    /// Bytes that every version fills in.
    const REQUIRED: usize;
}

/// Copies what its maker filled in; the rest is zero. A newer maker's further fields are left out.
///
/// # Errors
/// Where there is no such struct.
///
/// # Safety
/// Where `source` is neither null nor misaligned it must point at a readable `usize`, and, where
/// that is between `T::REQUIRED` and [`MAX_STRUCT_SIZE`], at so many readable bytes which nobody
/// changes during the call and which are a prefix of a valid `T` or of a later version of it.
pub unsafe fn read_prefix<T: Growing>(source: *const T) -> Result<T, SizeFault> {
    if source.is_null() {
        return Err(SizeFault::Null);
    }
    if !source.is_aligned() {
        return Err(SizeFault::Misaligned);
    }
    // SAFETY: not null and aligned; `struct_size` is the first field.
    let struct_size = unsafe { source.cast::<usize>().read() };
    if struct_size > MAX_STRUCT_SIZE {
        return Err(SizeFault::Absurd { struct_size });
    }
    if struct_size < T::REQUIRED {
        return Err(SizeFault::Short { struct_size, required: T::REQUIRED });
    }
    // A size that ends inside a field would leave half a pointer: such a field counts as absent.
    let filled = struct_size.min(size_of::<T>()) / 8 * 8;
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `filled` bytes are readable at `source` and fit into `copy`; zero bytes elsewhere
    // are valid by the promise of `Growing`.
    unsafe {
        ptr::copy_nonoverlapping(source.cast::<u8>(), copy.as_mut_ptr().cast(), filled);
        Ok(copy.assume_init())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug)]
    struct Grown {
        struct_size: usize,
        first: u64,
        second: Option<extern "C" fn()>,
    }

    // SAFETY: repr(C), size first, an integer and an optional function.
    unsafe impl Growing for Grown {
        const REQUIRED: usize = 16;
    }

    extern "C" fn nothing() {}

    fn with_size(struct_size: usize) -> Result<Grown, SizeFault> {
        let grown = Grown { struct_size, first: 7, second: Some(nothing) };
        // SAFETY: `grown` is valid as far as its true size; larger sizes are cut or refused.
        unsafe { read_prefix(&raw const grown) }
    }

    #[test]
    fn fields_beyond_the_size_are_absent() {
        assert!(with_size(24).unwrap().second.is_some());
        assert_eq!(with_size(16).unwrap().first, 7);
        assert!(with_size(16).unwrap().second.is_none());
    }

    #[test]
    fn half_a_pointer_is_no_pointer() {
        for size in 17..24 {
            assert!(with_size(size).unwrap().second.is_none(), "size {size}");
        }
    }

    #[test]
    fn a_newer_maker_is_read_as_far_as_known() {
        let newer = (Grown { struct_size: 4096, first: 7, second: Some(nothing) }, [1_u8; 4096]);
        // SAFETY: 4096 bytes are there.
        let read = unsafe { read_prefix((&raw const newer).cast::<Grown>()) }.unwrap();
        assert_eq!((read.first, read.struct_size), (7, 4096));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let short = |struct_size| Some(SizeFault::Short { struct_size, required: 16 });
        assert_eq!(with_size(15).err(), short(15));
        assert_eq!(with_size(0).err(), short(0));
        let huge = usize::MAX;
        assert_eq!(with_size(huge).err(), Some(SizeFault::Absurd { struct_size: huge }));
        // SAFETY: null is refused.
        assert_eq!(unsafe { read_prefix::<Grown>(ptr::null()) }.err(), Some(SizeFault::Null));
    }
}
