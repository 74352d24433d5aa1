use async_trait::async_trait;
use firn_core::RestoreTarget;
use serde_json::Value;

use super::plan::CloudRestore;
use crate::saga::{JobContext, JobError, Step};
use crate::stop;
use crate::worker::protocol::{Restore, RestoreTo, Revert, Work};

/// Writes the point's content to the disks.
pub(super) struct Write(pub(super) CloudRestore);

impl Write {
    /// Whether the disks held something before, which is kept.
    fn replaces(&self) -> bool {
        match &self.0.target {
            RestoreTarget::Original => true,
            RestoreTarget::Volume(wish) => wish.volume_id.is_some(),
            RestoreTarget::NewInstance(_) | RestoreTarget::File { .. } => false,
        }
    }
}

#[async_trait]
impl Step for Write {
    fn name(&self) -> &'static str {
        "write"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let job = &self.0.job;
        let point_id = job.restore().await?.point_id;
        let to = RestoreTo::Disks { disks: self.0.targets(context)? };
        job.work(Work::Restore(Restore { point_id, to }), context).await
    }

    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        if !self.replaces() {
            return Ok(());
        }
        let work = Revert { disks: self.0.targets(context)?, snapshot: self.0.kept() };
        // A cancel of the job is what brought us here: it must not stop this too.
        let unstopped = JobContext::new(context.id, stop::Stop::default(), context.retry_delay);
        self.0.job.work(Work::Revert(work), &unstopped).await.map(drop)
    }
}
