//! What systemd is told by a `Type=notify` unit. Elsewhere all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service answers.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The service ends what it has begun and takes nothing new.
pub fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// Tells the watchdog for ever that the process still runs its tasks, where the unit has one.
pub async fn watchdog() -> ! {
    let mut microseconds = 0;
    if !sd_notify::watchdog_enabled(false, &mut microseconds) {
        std::future::pending::<()>().await;
    }
    // Twice in the time that systemd waits.
    let interval = Duration::from_micros(microseconds / 2).max(Duration::from_millis(100));
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep(interval).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
