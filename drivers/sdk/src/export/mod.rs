//! The exported side: C functions around a Rust driver.
//!
//! Every function here catches panics, and turns what it is given into references only after it
//! has looked at it.
#![allow(unsafe_code)] // Reads what the host points at; writes where the host asks for answers.

mod disk;
mod driver;
mod extension;
mod guard;
mod host;
mod logging;

use firn_driver_abi as abi;

pub use driver::vtable;
pub use logging::forward_tracing;

use crate::{DriverError, DriverFactory};

/// What `firn_driver_entry` of a library with the driver `T` does, apart from forwarding what is
/// traced in the library.
///
/// # Safety
/// As the ABI says of the entry: the out pointers are null or writable.
pub unsafe fn entry<T: DriverFactory>(
    abi_version: u32,
    out_vtable: *mut *const abi::DriverVtable,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        if abi_version != abi::FIRN_ABI_VERSION {
            return Err(DriverError::unsupported(format_args!(
                "ABI version {abi_version} (it was built for {})",
                abi::FIRN_ABI_VERSION
            )));
        }
        // SAFETY: passed on to the caller.
        unsafe { guard::give(out_vtable, std::ptr::from_ref(vtable::<T>())) }
    };
    // SAFETY: passed on to the caller.
    unsafe { guard::guard(out_error, call) }
}

/// Makes the library of a driver: `export_driver!(FileDriver);`, once a crate, where `FileDriver`
/// is a [`DriverFactory`](crate::DriverFactory).
///
/// It defines the C symbol `firn_driver_entry`, so that a program can link the `rlib` of at most
/// one driver; others it loads.
#[macro_export]
macro_rules! export_driver {
    ($driver:ty) => {
        const _: () = {
            /// What the host calls first.
            ///
            /// # Safety
            /// As the ABI says of the entry.
            #[allow(unsafe_code)] // The symbol that the host looks up.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn firn_driver_entry(
                abi_version: u32,
                host: *const $crate::abi::Host,
                out_vtable: *mut *const $crate::abi::DriverVtable,
                out_error: *mut $crate::abi::ErrorReport,
            ) -> $crate::abi::Status {
                // SAFETY: both pass on what the host promises.
                unsafe {
                    $crate::export::forward_tracing(host);
                    $crate::export::entry::<$driver>(abi_version, out_vtable, out_error)
                }
            }
        };
    };
}
