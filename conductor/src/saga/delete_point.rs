//! Removes a restore point: its record, and with an instance's last one what is kept on its storage
//! for the next. The space of chunks that nothing refers to any more is given back by garbage
//! collection.

use std::sync::Arc;

use async_trait::async_trait;
use firn_core::PointId;
use serde_json::Value;

use super::base::remove_with_last;
use super::transfer::in_repository;
use super::{JobContext, JobError, RunningJob, Step};

pub(super) fn steps(job: &Arc<RunningJob>) -> Vec<Box<dyn Step>> {
    vec![Box::new(DeleteRecord(Arc::clone(job)))]
}

/// There is no undo: it is the only step, and a record that could not be deleted is still there.
struct DeleteRecord(Arc<RunningJob>);

#[async_trait]
impl Step for DeleteRecord {
    fn name(&self) -> &'static str {
        "delete_record"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        remove_with_last(&self.0, context).await?;
        let id = PointId(self.0.resource_id);
        in_repository(&self.0.services, move |repository| repository.delete_point(id)).await?;
        Ok(Value::Null)
    }
}
