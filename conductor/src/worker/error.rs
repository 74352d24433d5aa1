use std::error::Error;

use firn_core::{ErrorKind, chain};
use firn_driver_sdk::DriverError;

use super::protocol::Event;

/// Why a worker's task failed, as it is told to the conductor.
#[derive(Debug)]
pub(super) struct TaskError {
    kind: ErrorKind,
    message: String,
    cancelled: bool,
}

impl TaskError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cancelled: false }
    }

    pub(super) fn cancelled() -> Self {
        Self { kind: ErrorKind::Conflict, message: "cancelled on request".into(), cancelled: true }
    }

    /// An error with all its causes in one line; `doing` says what failed: "reading disk vda".
    pub(super) fn from_chain(kind: ErrorKind, doing: &str, error: &dyn Error) -> Self {
        Self::new(kind, format!("{doing}: {}", chain(error)))
    }

    /// A driver's error.
    pub(super) fn driver(doing: &str, error: &DriverError) -> Self {
        if error.is_cancelled() {
            return Self::cancelled();
        }
        Self::from_chain(error.kind(), doing, error)
    }

    pub(super) const fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(super) fn into_event(self) -> Event {
        Event::Failed { kind: self.kind, message: self.message, cancelled: self.cancelled }
    }
}
