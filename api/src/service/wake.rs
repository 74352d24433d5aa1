use std::time::Duration;

use firn_core::JobId;
use oslo_messaging::{Envelope, Schema};
use serde_json::{Value, json};

use crate::http::Call;

/// The queue that conductors take jobs from.
const JOBS: &str = "firn.jobs";
const WAKE: &str = "firn.job.wake";
const WAKE_VERSION: u32 = 1;

/// The job is in the database already: nobody waits long for a broker that hangs.
const PUBLISH_DEADLINE: Duration = Duration::from_secs(3);

impl Call {
    /// Tells conductors that there is a job. A message that is lost only costs time: they look
    /// into the database by themselves, too.
    pub(super) async fn wake(&self, job: JobId) {
        let schema = Schema { name: WAKE.to_owned(), version: WAKE_VERSION };
        let request_id = self.caller.request_ids.to_send_on();
        let envelope = Envelope::new(&schema, request_id, body(job));
        let sent = self.service.transport.publish(JOBS, envelope);
        match tokio::time::timeout(PUBLISH_DEADLINE, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%job, %error, "no conductor could be woken"),
            Err(_) => tracing::warn!(%job, "no conductor could be woken in time"),
        }
    }
}

/// What a wake-up says.
pub(super) fn body(job: JobId) -> Value {
    json!({ "job_id": job })
}
