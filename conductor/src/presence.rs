//! Tells the database that this conductor lives.

use std::time::Duration;

use chrono::{DateTime, Utc};
use firn_db::{ServiceKind, ServiceReport};
use uuid::Uuid;

use crate::services::Services;
use crate::worker::chain;

/// How often. A service is down after a few of these in silence.
const INTERVAL: Duration = Duration::from_secs(10);

/// Reports for ever.
pub(crate) async fn report(services: &Services, started_at: DateTime<Utc>) {
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
        if let Err(error) = services.database.run(beat).await {
            tracing::warn!(error = chain(&error), "no service heartbeat");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
