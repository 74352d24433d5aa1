//! What disks held before they are written to, as snapshots: until the restore is through, nothing
//! is lost.

use async_trait::async_trait;
use firn_core::ErrorKind;
use firn_driver_sdk::{Driver, DriverError, Location};
use serde_json::{Value, json};

use super::plan::CloudRestore;
use crate::saga::driver::ask_driver;
use crate::saga::{JobContext, JobError, Step};
use crate::worker::Watch;
use crate::worker::protocol::{Level, TargetDisk};

impl CloudRestore {
    /// What the snapshots are called.
    pub(super) fn kept(&self) -> String {
        format!("firn-restore-{}", self.id)
    }

    async fn with_driver<T: Send + 'static>(
        &self,
        disk: &TargetDisk,
        call: impl FnOnce(&dyn Driver, &Location) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, JobError> {
        let doing = format!("keeping what disk {} holds", disk.device);
        ask_driver(&self.job.services, &disk.driver, &disk.location, &doing, call).await
    }

    async fn let_go(&self, context: &JobContext) -> Result<(), JobError> {
        for disk in self.targets(context)? {
            let name = self.kept();
            self.with_driver(&disk, move |driver, at| driver.snapshot_delete(at, &name)).await?;
        }
        Ok(())
    }
}

/// Takes a snapshot of every disk that will be written to.
pub(super) struct Keep(pub(super) CloudRestore);

#[async_trait]
impl Step for Keep {
    fn name(&self) -> &'static str {
        "keep"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        // Nothing is written before this step has ended, so what an earlier try took is as good.
        for disk in self.0.targets(context)? {
            let name = self.0.kept();
            let take =
                move |driver: &dyn Driver, at: &Location| match driver.snapshot_create(at, &name) {
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        match driver.snapshot_list(at)?.contains(&name) {
                            true => Ok(()),
                            false => Err(error),
                        }
                    }
                    done => done,
                };
            self.0.with_driver(&disk, take).await?;
        }
        Ok(json!({}))
    }

    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        self.0.let_go(context).await
    }
}

/// Lets go of what was kept. The restore is through, so nothing here fails it.
pub(super) struct LetGo(pub(super) CloudRestore);

#[async_trait]
impl Step for LetGo {
    fn name(&self) -> &'static str {
        "let_go"
    }

    /// A disk whose snapshot is gone cannot be given back what it held.
    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        if let Err(error) = self.0.let_go(context).await {
            if error.kind.retryable() {
                return Err(error);
            }
            let text = format!("the snapshots {} are still there: {error}", self.0.kept());
            self.0.job.lease.message(Level::Warning, "let_go", &text).await;
        }
        Ok(json!({}))
    }
}
