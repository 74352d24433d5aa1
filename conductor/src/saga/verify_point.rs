//! Reads a restore point back and checks every chunk, or a sample.

use std::sync::Arc;

use async_trait::async_trait;
use firn_core::{ErrorKind, PointId};
use firn_db::JobEnd;
use serde::Deserialize;
use serde_json::Value;

use super::transfer::parse;
use super::{JobContext, JobError, RunningJob, Step};
use crate::worker::protocol::{Verify, VerifyResult, Work};

pub(super) fn steps(job: &Arc<RunningJob>) -> Vec<Box<dyn Step>> {
    vec![Box::new(ReadBack(Arc::clone(job)))]
}

/// What the API asks for.
#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    sample: Option<f64>,
}

/// Only a whole reading can tell that a point is sound again.
pub(super) fn end(job: &RunningJob) -> Result<JobEnd, JobError> {
    let Spec { sample } = job.spec()?;
    Ok(if sample.is_some() { JobEnd::PointSampled } else { JobEnd::PointVerified })
}

struct ReadBack(Arc<RunningJob>);

#[async_trait]
impl Step for ReadBack {
    fn name(&self) -> &'static str {
        "read_back"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let Spec { sample } = self.0.spec()?;
        let point_id = PointId(self.0.resource_id);
        let output = self.0.work(Work::Verify(Verify { point_id, sample }), context).await?;
        let found: VerifyResult = parse(output.clone())?;
        if found.damages.is_empty() {
            return Ok(output);
        }
        let count = found.damages.len();
        let message = format!("{count} damages found: {}", found.damages.join("; "));
        Err(JobError::new(ErrorKind::Integrity, message))
    }
}
