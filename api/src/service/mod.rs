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

use crate::http::{ApiError, Call, Pieces, Turns, WrittenPage};
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

    /// A page in JSON. The thread that reads the rows also makes what is shown of them and writes
    /// it: a long page does not wait for other threads on its way, nor they for it.
    async fn written_page(
        self,
        mut page: WrittenPage,
        rows: impl FnOnce(&Self, &mut Connection, &mut WrittenPage) -> Result<(), DbError>
        + Send
        + 'static,
    ) -> Result<Pieces, ApiError> {
        let service = self.service.clone();
        let turn = service.turns.take(page.read_limit()).await;
        let write = move |conn: &mut Connection| {
            let _until_written = turn;
            rows(&self, conn, &mut page)?;
            Ok(page.end(&self))
        };
        service.database.run(write).await?
    }
}

/// The time now, for rows.
fn now() -> DateTime<Utc> {
    Utc::now()
}
