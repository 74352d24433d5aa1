use std::fmt;
use std::sync::Arc;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed that the caller may not see as an error.
    Error,
    /// Something an operator should look at.
    Warn,
    /// Rare and worth knowing: a connection made, a snapshot removed.
    Info,
    /// For finding faults.
    Debug,
    /// Every call.
    Trace,
}

/// What the host does for its drivers.
pub trait HostServices: Send + Sync {
    /// Whether lines of this level go anywhere.
    fn log_enabled(&self, level: LogLevel) -> bool;

    /// Takes one log line. `target` is the module or part it comes from. No secrets.
    fn log(&self, level: LogLevel, target: &str, message: &str);

    /// Takes news of a long call: `done` of `total` units; `total` 0 means unknown.
    fn progress(&self, operation: &str, done: u64, total: u64);
}

/// A driver's handle on its host; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Host(Arc<dyn HostServices>);

impl Host {
    /// A host made of `services`.
    pub fn new(services: Arc<dyn HostServices>) -> Self {
        Self(services)
    }

    /// A host that takes nothing: for drivers used without one.
    pub fn silent() -> Self {
        struct Silent;
        impl HostServices for Silent {
            fn log_enabled(&self, _level: LogLevel) -> bool {
                false
            }
            fn log(&self, _level: LogLevel, _target: &str, _message: &str) {}
            fn progress(&self, _operation: &str, _done: u64, _total: u64) {}
        }
        Self::new(Arc::new(Silent))
    }

    /// Whether lines of this level go anywhere.
    pub fn log_enabled(&self, level: LogLevel) -> bool {
        self.0.log_enabled(level)
    }

    /// Gives the host a log line. Drivers in Rust may use `tracing` instead: what they say
    /// arrives here by itself.
    pub fn log(&self, level: LogLevel, target: &str, message: &str) {
        self.0.log(level, target, message);
    }

    /// Gives the host news of a long call; `total` 0 means unknown.
    pub fn progress(&self, operation: &str, done: u64, total: u64) {
        self.0.progress(operation, done, total);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
