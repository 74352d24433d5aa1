use std::sync::Arc;

use chrono::Utc;
use firn_core::{RepositoryId, chain};
use firn_db::RepositoryUsage;

use crate::saga::in_repository;
use crate::services::Services;

/// Tells the database how much the repository holds and how much room it has.
pub(super) async fn report(services: &Arc<Services>, id: RepositoryId) {
    let space = rustix::fs::statvfs(&services.config.repository.path);
    let usage = in_repository(services, |repository| repository.usage()).await;
    let report = move |conn: &mut _| match (&usage, &space) {
        (Ok(usage), Ok(space)) => {
            let usage = RepositoryUsage {
                capacity_bytes: Some(space.f_blocks.saturating_mul(space.f_frsize)),
                free_bytes: Some(space.f_bavail.saturating_mul(space.f_frsize)),
                stored_bytes: Some(usage.stored_bytes),
                virtual_bytes: Some(usage.virtual_bytes),
            };
            firn_db::repository_report_usage(conn, id, &usage, Utc::now())
        }
        (Err(error), _) => {
            firn_db::repository_report_unavailable(conn, id, &error.message, Utc::now())
        }
        (_, Err(error)) => {
            firn_db::repository_report_unavailable(conn, id, &error.to_string(), Utc::now())
        }
    };
    if let Err(error) = services.database.run(report).await {
        tracing::warn!(error = chain(&error), "cannot report the repository's usage");
    }
}
