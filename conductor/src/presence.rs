//! Tells the database that this conductor lives.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use firn_core::chain;
use firn_db::{ServiceKind, ServiceReport};
use tokio::sync::watch;
use uuid::Uuid;

use crate::services::Services;

/// How often. A service is down after a few of these in silence.
const INTERVAL: Duration = Duration::from_secs(10);

/// Reports for ever, and learns whether an operator wants no new work to be taken here.
pub(crate) async fn report(services: &Services, started_at: DateTime<Utc>, admission: &Admission) {
    let report = ServiceReport {
        kind: ServiceKind::Conductor,
        host: services.config.host.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
    };
    loop {
        let report = report.clone();
        let beat = move |conn: &mut _| {
            firn_db::service_heartbeat(conn, &report, Uuid::new_v4(), Utc::now())
        };
        match services.database.run(beat).await {
            Ok(service) => admission.set(!service.disabled, service.disabled_reason.as_deref()),
            Err(error) => tracing::warn!(error = chain(&error), "no service heartbeat"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Whether new jobs may be taken.
#[derive(Clone, Debug)]
pub(crate) struct Admission(Arc<watch::Sender<bool>>);

impl Default for Admission {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }
}

impl Admission {
    fn set(&self, open: bool, reason: Option<&str>) {
        let changed = self.0.send_if_modified(|now| std::mem::replace(now, open) != open);
        match (changed, open) {
            (true, true) => tracing::info!("enabled: taking jobs again"),
            (true, false) => tracing::info!(reason, "disabled: taking no new jobs"),
            _ => {}
        }
    }

    /// Waits until jobs may be taken.
    pub(crate) async fn open(&self) {
        // The sender is `self`, so it cannot be gone.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disabled_conductor_waits_until_it_is_enabled() {
        let admission = Admission::default();
        admission.open().await;
        admission.set(false, Some("maintenance"));
        let waiting = tokio::spawn({
            let admission = admission.clone();
            async move { admission.open().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        admission.set(true, None);
        waiting.await.unwrap();
    }
}
