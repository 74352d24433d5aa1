use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Why a job's work must stop before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody asked to cancel: stop and undo.
    Cancelled,
    /// Another conductor may hold the job: stop at once and touch nothing.
    LeaseLost,
    /// This conductor ends: stop at once, the job goes on elsewhere or later.
    Shutdown,
}

/// A job's stop signal. Copies share it; the first reason stands, except that losing the lease
/// or shutting down overrides a cancel, which waits for an orderly end.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Option<StopReason>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Asks for a stop.
    pub fn request(&self, reason: StopReason) {
        self.0.send_if_modified(|now| {
            let overrides =
                matches!(*now, None | Some(StopReason::Cancelled)) && *now != Some(reason);
            if overrides {
                *now = Some(reason);
            }
            overrides
        });
    }

    /// The reason, once there is one.
    pub fn reason(&self) -> Option<StopReason> {
        *self.0.borrow()
    }

    /// Waits until there is a reason.
    pub async fn requested(&self) -> StopReason {
        let mut receiver = self.0.subscribe();
        loop {
            if let Some(reason) = *receiver.borrow_and_update() {
                return reason;
            }
            // The sender is `self`, so it cannot be gone.
            let _ = receiver.changed().await;
        }
    }

    /// Waits that long; whether there was a reason before the end.
    pub async fn within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.requested()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_gives_way_and_nothing_else_does() {
        let stop = Stop::default();
        assert_eq!(stop.reason(), None);
        stop.request(StopReason::Cancelled);
        stop.request(StopReason::LeaseLost);
        assert_eq!(stop.reason(), Some(StopReason::LeaseLost));
        stop.request(StopReason::Cancelled);
        stop.request(StopReason::Shutdown);
        assert_eq!(stop.reason(), Some(StopReason::LeaseLost));
    }
}
