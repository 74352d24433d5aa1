use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;
use firn_core::{ErrorKind, RestoreTarget};
use serde_json::Value;

use super::plan::CloudRestore;
use crate::saga::{JobContext, JobError, Step};
use crate::stop::{Stop, StopReason};
use crate::worker::Watch;
use crate::worker::protocol::{Level, Restore, RestoreTo, Revert, TargetDisk, Work};

const WRITE: &str = "write";
/// How often a cancelled job that is undone looks whether it must stop at once.
const LOOK: Duration = Duration::from_millis(500);

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
        WRITE
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
        // One by one, so that what is the matter with one keeps nobody from the others.
        let (stop, mut failed) = (Stop::default(), Ok(()));
        let revert = async {
            for disk in self.0.targets(context)? {
                let reverted = self.revert(disk, &stop, context).await;
                failed = failed.and(reverted);
                if stop.reason().is_some() {
                    break;
                }
            }
            failed
        };
        tokio::select! {
            reverted = revert => reverted,
            never = pass_on(&context.stop, &stop) => match never {},
        }
    }
}

impl Write {
    async fn revert(
        &self,
        disk: TargetDisk,
        stop: &Stop,
        context: &JobContext,
    ) -> Result<(), JobError> {
        let device = disk.device.clone();
        let work = Work::Revert(Revert { disks: vec![disk], snapshot: self.0.kept() });
        let working = JobContext::new(context.id, stop.clone(), context.retry_delay);
        match self.0.job.work(work, &working).await {
            Err(error) if error.kind == ErrorKind::NotFound && self.0.is_gone(context).await? => {
                let text = format!("disk {device} is gone, so nothing is written back: {error}");
                self.0.job.lease.message(Level::Warning, WRITE, &text).await;
                Ok(())
            }
            done => done.map(drop),
        }
    }
}

/// Tells `to` when everything has to stop at once. Not of a cancel: it is what brings a job to its undo,
/// which it must not end.
async fn pass_on(from: &Stop, to: &Stop) -> Infallible {
    loop {
        match from.requested().await {
            // Nothing tells of what comes after.
            StopReason::Cancelled => tokio::time::sleep(LOOK).await,
            reason @ (StopReason::LeaseLost | StopReason::Shutdown) => {
                to.request(reason);
                return pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_undo_is_not_cancelled_but_stopped() {
        for reason in [StopReason::LeaseLost, StopReason::Shutdown] {
            let (job, undo) = (Stop::default(), Stop::default());
            job.request(StopReason::Cancelled);
            let cancelled = tokio::time::timeout(LOOK / 5, pass_on(&job, &undo)).await;
            assert_eq!((cancelled.is_err(), undo.reason()), (true, None));
            let then = async {
                tokio::time::sleep(LOOK / 5).await;
                job.request(reason);
                undo.requested().await
            };
            let told = tokio::select! {
                told = then => told,
                never = pass_on(&job, &undo) => match never {},
            };
            assert_eq!(told, reason);
        }
    }
}
