//! The host, as a loaded driver sees it.

use firn_driver_abi as abi;

use crate::{Host, HostServices, LogLevel};

struct Foreign(abi::Host);

// SAFETY: the host's context and functions may be used from any thread, as the ABI says.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

/// The host behind a pointer; a silent one where the pointer leads to none.
///
/// # Safety
/// `host` is null, or a host as the ABI describes it, valid for the life of the process.
pub(super) unsafe fn host(host: *const abi::Host) -> Host {
    // SAFETY: passed on to the caller.
    match unsafe { abi::read_prefix(host) } {
        Ok(host) => Host::new(std::sync::Arc::new(Foreign(host))),
        Err(_) => Host::silent(),
    }
}

const fn number(level: LogLevel) -> u32 {
    match level {
        LogLevel::Error => abi::FIRN_LOG_ERROR,
        LogLevel::Warn => abi::FIRN_LOG_WARN,
        LogLevel::Info => abi::FIRN_LOG_INFO,
        LogLevel::Debug => abi::FIRN_LOG_DEBUG,
        LogLevel::Trace => abi::FIRN_LOG_TRACE,
    }
}

impl HostServices for Foreign {
    fn log_enabled(&self, level: LogLevel) -> bool {
        let Some(log_enabled) = self.0.log_enabled else { return self.0.log.is_some() };
        // SAFETY: the host's own function with its own context.
        unsafe { log_enabled(self.0.context, number(level)) != 0 }
    }

    fn log(&self, level: LogLevel, target: &str, message: &str) {
        if let Some(log) = self.0.log {
            // SAFETY: as above; both strings outlive the call.
            unsafe {
                log(self.0.context, number(level), abi::Str::new(target), abi::Str::new(message));
            }
        }
    }

    fn progress(&self, operation: &str, done: u64, total: u64) {
        if let Some(progress) = self.0.progress {
            // SAFETY: as above.
            unsafe { progress(self.0.context, abi::Str::new(operation), done, total) };
        }
    }
}
