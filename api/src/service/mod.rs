//! What the service does, as methods of an authorized [`Call`]. One file a resource.

mod conductor;
mod delegation;
mod drivers;
mod instances;
mod jobs;
#[cfg(test)]
mod message_schemas;
mod plans;
mod points;
mod quotas;
mod repositories;
mod restores;
mod services;
mod wake;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use firn_db::{Connection, Database, DbError};
use oslo_messaging::Transport;

use crate::http::{ApiError, Call, Turns};
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::{ApiConfig, Delegation, Identity};

/// What all calls share.
pub(crate) struct Service {
    pub(crate) config: ApiConfig,
    pub(crate) database: Database,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) delegation: Arc<dyn Delegation>,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) metrics: Metrics,
    /// Of long pages.
    pub(crate) turns: Turns,
}

impl Service {
    /// Whether the database answers.
    pub(crate) async fn reach_database(&self) -> Result<(), ApiError> {
        self.database.run(firn_db::service_list).await?;
        Ok(())
    }
}

impl Call {
    /// Runs queries where they may block.
    async fn query<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.service.database.run(queries).await?)
    }
}

/// The time now, for rows.
fn now() -> DateTime<Utc> {
    Utc::now()
}
