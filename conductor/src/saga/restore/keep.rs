//! What disks held before they are written to, as snapshots: until the restore is through, nothing
//! is lost.

use async_trait::async_trait;
use firn_core::ErrorKind;
use firn_driver_sdk::{Driver, DriverError, Location};
use serde_json::{Value, json};

use super::plan::CloudRestore;
use crate::reconcile::left_keeps;
use crate::saga::driver::ask_driver;
use crate::saga::{JobContext, JobError, Step};
use crate::worker::Watch;
use crate::worker::protocol::{Level, TargetDisk};

impl CloudRestore {
    /// What the snapshots are called.
    pub(super) fn kept(&self) -> String {
        left_keeps::snapshot(self.id)
    }

    async fn with_driver<T: Send + 'static>(
        &self,
        disk: &TargetDisk,
        call: impl FnOnce(&dyn Driver, &Location) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, JobError> {
        let doing = format!("keeping what disk {} holds", disk.device);
        ask_driver(&self.job.services, &disk.driver, &disk.location, &doing, call).await
    }

    /// One that cannot be removed keeps nobody from the others.
    async fn let_go(&self, context: &JobContext) -> Result<(), JobError> {
        let mut failed = Ok(());
        for disk in self.targets(context)? {
            let name = self.kept();
            let delete =
                move |driver: &dyn Driver, at: &Location| driver.snapshot_delete(at, &name);
            let deleted = self.with_driver(&disk, delete).await;
            failed = failed.and(deleted);
        }
        failed
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

/// Lets go of what was kept. The restore is through, so nothing here fails it: what stays is removed by
/// `left_keeps`.
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
            let text = format!(
                "snapshots {} are still there and are removed later: {error}",
                self.0.kept()
            );
            self.0.job.lease.message(Level::Warning, "let_go", &text).await;
        }
        Ok(json!({}))
    }
}

#[cfg(test)]
mod tests {
    use firn_core::StepState;
    use firn_db::JobStep;

    use super::*;
    use crate::saga::restore::plan::{OriginalPlan, PLAN, Planned};

    /// `left_keeps` reads what the plan has written.
    #[test]
    fn the_journal_of_a_restore_in_place_tells_its_disks() {
        let disk = TargetDisk {
            device: "vda".to_owned(),
            driver: "ceph".to_owned(),
            location: json!({"image": "i"}),
            size_bytes: 1,
            blank: false,
        };
        let plan = OriginalPlan { disks: vec![disk.clone()], ..OriginalPlan::default() };
        let step = |name: &str, output| JobStep {
            job_id: firn_core::JobId::new(),
            position: 0,
            name: name.to_owned(),
            state: StepState::Done,
            output,
            started_at: chrono::Utc::now(),
            finished_at: None,
        };
        let plan = serde_json::to_value(Planned::Original(plan)).unwrap();
        let steps = [step(PLAN, Some(plan)), step("keep", None)];
        assert_eq!(left_keeps::disks(&steps).unwrap(), [disk]);
    }
}
