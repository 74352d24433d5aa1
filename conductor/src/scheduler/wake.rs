use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firn_core::{JobId, chain};
use oslo_messaging::{Envelope, Schema, Transport};
use serde_json::json;

use crate::requests::{JOBS, WAKE};

/// The jobs are in the database already: nobody waits long for a broker that hangs.
const DEADLINE: Duration = Duration::from_secs(3);

/// Tells conductors that there is a job.
#[async_trait]
pub(crate) trait Waker: Send + Sync {
    /// Tells them. A message that is lost only costs time.
    async fn wake(&self, job: JobId, request_id: &str);
}

/// By the queue that the API uses.
pub(crate) struct QueueWaker(pub(crate) Arc<dyn Transport>);

#[async_trait]
impl Waker for QueueWaker {
    async fn wake(&self, job: JobId, request_id: &str) {
        let schema = Schema { name: WAKE.to_owned(), version: 1 };
        let envelope = Envelope::new(&schema, request_id.to_owned(), json!({ "job_id": job }));
        match tokio::time::timeout(DEADLINE, self.0.publish(JOBS, envelope)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%job, error = chain(&error), "no conductor could be woken");
            }
            Err(_) => tracing::warn!(%job, "no conductor could be woken in time"),
        }
    }
}
