use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{RepositoryError, Result};

/// Called with the bytes done so far of the current call; from any of its threads, often: it
/// must return at once.
pub type ProgressFn = dyn Fn(u64) + Send + Sync;

/// How a caller watches and ends a long call.
#[derive(Clone, Default)]
pub struct Control {
    /// Raised by the caller to end the call within a second with
    /// [`Cancelled`](RepositoryError::Cancelled).
    pub cancel: Arc<AtomicBool>,
    /// Told how far the call has come; `None` where nobody cares.
    pub progress: Option<Arc<ProgressFn>>,
}

impl Control {
    /// Nobody watches and nobody cancels.
    pub fn none() -> Self {
        Self::default()
    }

    /// An error once the caller has raised the flag.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) { Err(RepositoryError::Cancelled) } else { Ok(()) }
    }
}

/// Adds up the bytes done by the threads of one call.
pub(crate) struct Meter<'a> {
    control: &'a Control,
    done: AtomicU64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(control: &'a Control) -> Self {
        Self { control, done: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(progress) = &self.control.progress {
            progress(done);
        }
    }
}
