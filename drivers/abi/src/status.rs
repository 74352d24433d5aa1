use crate::Text;

/// How a call ended: `FIRN_OK`, or what is wrong. Any other number counts as `FIRN_INTERNAL`.
pub type Status = i32;

/// The call succeeded; its outputs are set.
pub const FIRN_OK: Status = 0;
/// The named thing does not exist.
pub const FIRN_NOT_FOUND: Status = 1;
/// The thing exists but its state forbids the request now.
pub const FIRN_CONFLICT: Status = 2;
/// The request itself is wrong.
pub const FIRN_INVALID_INPUT: Status = 3;
/// Not allowed: writing to a read-only disk, or a refusal of the storage.
pub const FIRN_FORBIDDEN: Status = 4;
/// The storage is full, or a limit of it is reached.
pub const FIRN_QUOTA_EXCEEDED: Status = 5;
/// This driver, or this disk of it, cannot do that.
pub const FIRN_UNSUPPORTED: Status = 6;
/// The storage does not answer now; later it may.
pub const FIRN_UNAVAILABLE: Status = 7;
/// The stored data is damaged.
pub const FIRN_INTEGRITY: Status = 8;
/// A defect, or something that nobody planned for.
pub const FIRN_INTERNAL: Status = 9;
/// The call was ended by `cancel`.
pub const FIRN_CANCELLED: Status = 10;

/// Where a failing call says why. The host prepares it; a driver sets the texts only where it
/// returns another status than `FIRN_OK`.
#[repr(C)]
#[derive(Debug)]
pub struct ErrorReport {
    /// Size of this struct, set by the host.
    pub struct_size: usize,
    /// What failed, which thing, what to do: one line for people.
    pub message: Text,
    /// What caused it, in the words of the layer below; may be left out.
    pub cause: Text,
}

impl ErrorReport {
    /// What a caller prepares before the call.
    pub const fn empty() -> Self {
        Self { struct_size: size_of::<Self>(), message: Text::none(), cause: Text::none() }
    }
}
