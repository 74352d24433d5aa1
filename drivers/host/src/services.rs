//! What the host does for a driver: its log lines and progress go to `tracing`.
#![allow(unsafe_code)] // Functions that drivers call.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use firn_driver_abi as abi;

/// The host of the driver of that name; lives as long as the process, like the driver's library.
pub(crate) fn host_for(driver: &str) -> &'static abi::Host {
    static HOSTS: Mutex<BTreeMap<String, &'static Shared>> = Mutex::new(BTreeMap::new());
    let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = hosts.get(driver) {
        return &known.0;
    }
    let context = Box::leak(Box::new(Context { driver: driver.to_owned() }));
    let host = Box::leak(Box::new(Shared(abi::Host {
        struct_size: size_of::<abi::Host>(),
        context: ptr::from_mut(context).cast(),
        log_enabled: Some(log_enabled),
        log: Some(log),
        progress: Some(progress),
    })));
    hosts.insert(driver.to_owned(), host);
    &host.0
}

struct Shared(abi::Host);

// SAFETY: the context is only read, by the functions here, and never freed.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

struct Context {
    driver: String,
}

/// # Safety
/// `context` is null or the context of a host made here.
unsafe fn driver_name<'a>(context: *mut c_void) -> &'a str {
    // SAFETY: passed on to the caller; contexts are never freed.
    unsafe { context.cast::<Context>().as_ref() }.map_or("unknown", |context| &context.driver)
}

unsafe extern "C" fn log_enabled(_context: *mut c_void, level: u32) -> u32 {
    let enabled = || match level {
        abi::FIRN_LOG_ERROR => {
            tracing::event_enabled!(target: "firn_driver", tracing::Level::ERROR)
        }
        abi::FIRN_LOG_WARN => tracing::event_enabled!(target: "firn_driver", tracing::Level::WARN),
        abi::FIRN_LOG_INFO => tracing::event_enabled!(target: "firn_driver", tracing::Level::INFO),
        abi::FIRN_LOG_DEBUG => {
            tracing::event_enabled!(target: "firn_driver", tracing::Level::DEBUG)
        }
        _ => tracing::event_enabled!(target: "firn_driver", tracing::Level::TRACE),
    };
    u32::from(catch_unwind(AssertUnwindSafe(enabled)).unwrap_or(false))
}

/// # Safety
/// As the ABI says: the driver gives the context it was given, and readable strings.
unsafe extern "C" fn log(context: *mut c_void, level: u32, target: abi::Str, message: abi::Str) {
    // SAFETY: passed on to the caller.
    let (driver, target, message) =
        unsafe { (driver_name(context), target.read(), message.read()) };
    let part = target.ok().flatten().unwrap_or("");
    let message = match message {
        Ok(message) => message.unwrap_or(""),
        Err(fault) => fault.describe(),
    };
    // A subscriber's panic must not unwind into the driver.
    let _ = catch_unwind(AssertUnwindSafe(|| match level {
        abi::FIRN_LOG_ERROR => tracing::error!(target: "firn_driver", driver, part, "{message}"),
        abi::FIRN_LOG_WARN => tracing::warn!(target: "firn_driver", driver, part, "{message}"),
        abi::FIRN_LOG_INFO => tracing::info!(target: "firn_driver", driver, part, "{message}"),
        abi::FIRN_LOG_DEBUG => tracing::debug!(target: "firn_driver", driver, part, "{message}"),
        _ => tracing::trace!(target: "firn_driver", driver, part, "{message}"),
    }));
}

/// # Safety
/// As for `log`.
unsafe extern "C" fn progress(context: *mut c_void, operation: abi::Str, done: u64, total: u64) {
    // SAFETY: passed on to the caller.
    let (driver, operation) = unsafe { (driver_name(context), operation.read()) };
    let operation = operation.ok().flatten().unwrap_or("");
    let _ = catch_unwind(AssertUnwindSafe(|| {
        tracing::debug!(target: "firn_driver", driver, operation, done, total, "progress");
    }));
}
