//! Freezing the file systems of running guests, with a thaw that is guaranteed.
//!
//! [`Freezes`] freezes through a [`GuestFreezer`] (libvirt) and sees to the thaw whatever happens to
//! whoever asked: it thaws when asked, at a deadline of its own, when this process is told to stop, and
//! at the next start after it was killed. For that it writes down what it is about to freeze before it
//! does. A thaw that fails is repeated until it succeeds or the guest runs here no more.

mod error;
mod freezes;
mod guest;
mod record;

use firn_core::InstanceId;

use crate::SourceError;

pub use error::FreezeError;
pub use freezes::{FreezeOptions, Freezes, Thawed};

/// What can freeze the guests of this host. Calls block, each within a deadline.
pub trait GuestFreezer: Send + Sync {
    /// Freezes all file systems of a running guest; how many that were.
    ///
    /// # Errors
    /// Where [`FreezeError::may_be_frozen`] says so, a thaw is needed nevertheless.
    fn freeze(&self, id: InstanceId) -> Result<u32, FreezeError>;

    /// Thaws a guest; how many file systems were frozen until now. `None` where the guest does not run
    /// here, so that there is nothing to thaw.
    ///
    /// # Errors
    /// It may be frozen still.
    fn thaw(&self, id: InstanceId) -> Result<Option<u32>, SourceError>;
}
