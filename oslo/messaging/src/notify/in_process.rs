use std::collections::VecDeque;

use parking_lot::Mutex;

use super::{Notification, Notifier, NotifierCounts};

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNotifier;

impl Notifier for NoNotifier {
    fn notify(&self, _: Notification) {}

    fn counts(&self) -> NotifierCounts {
        NotifierCounts::default()
    }
}

/// Keeps the newest notifications for whoever asks.
pub struct InProcessNotifier {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    notifications: VecDeque<Notification>,
    counts: NotifierCounts,
}

impl InProcessNotifier {
    /// Keeps at most `capacity`; older ones are dropped, and counted.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), kept: Mutex::default() }
    }

    /// Takes out what is there, the oldest first.
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut self.kept.lock().notifications).into()
    }
}

impl Default for InProcessNotifier {
    fn default() -> Self {
        Self::with_capacity(1000)
    }
}

impl Notifier for InProcessNotifier {
    fn notify(&self, notification: Notification) {
        let mut kept = self.kept.lock();
        if kept.notifications.len() >= self.capacity {
            kept.notifications.pop_front();
            kept.counts.dropped += 1;
        }
        kept.notifications.push_back(notification);
        kept.counts.sent += 1;
    }

    fn counts(&self) -> NotifierCounts {
        self.kept.lock().counts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_are_kept_and_the_rest_is_counted() {
        let notifier = InProcessNotifier::with_capacity(2);
        for number in 0..3 {
            notifier.notify(Notification::info("a.b", &json!({ "number": number })));
        }
        let numbers: Vec<_> =
            notifier.take().iter().map(|kept| kept.payload["number"].clone()).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(notifier.counts(), NotifierCounts { sent: 3, dropped: 1, failed: 0 });
        assert!(notifier.take().is_empty());
    }
}
