//! Starts one run.

use firn_cloud::{DelegationError, Grant, InstanceSummary};
use firn_core::plan::{Due, PlanStatus};
use firn_core::{ErrorKind, JobId, PlanRunId, PointId, chain};
use firn_db::{
    BackupRequest, DbError, Lease, PlanRow, PlanRun, PlannedBackup, Point, RunOrigin, RunOutcome,
    RunStart,
};
use serde_json::json;
use uuid::Uuid;

use super::decide::{Decision, decide_mode, decide_run};
use super::resolve;
use super::turn::Scheduler;

/// Why a run could not be dealt with now; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Hindrance {
    /// The scheduler's lease is another's.
    #[error("the scheduler's lease is lost")]
    LeaseLost,
    /// Something that is needed does not answer.
    #[error("{text}")]
    Unavailable {
        /// What, for people.
        text: String,
    },
    /// The database.
    #[error("the database failed")]
    Database {
        /// What it says.
        #[source]
        source: DbError,
    },
}

impl Hindrance {
    pub(super) fn database(source: DbError) -> Self {
        match source {
            DbError::Conflict { resource: "lease", .. } => Self::LeaseLost,
            source => Self::Database { source },
        }
    }
}

impl Scheduler {
    /// Starts a plan's next run by its schedule, if it is due.
    pub(super) async fn start_scheduled(
        &self,
        lease: &Lease,
        plan: PlanRow,
    ) -> Result<(), Hindrance> {
        let hindered = self.hindered.lock().get(&plan.plan.id).cloned();
        let now = self.clock.now();
        let request_id = format!("req-{}", Uuid::new_v4());
        let (due, outcome) = match decide_run(&plan, now, hindered.as_deref()) {
            Ok(Decision::Wait) => return Ok(()),
            Ok(Decision::Skip(due, reason)) => (due, RunOutcome::Skip { reason }),
            Ok(Decision::Start(due)) => (due, self.prepare(&plan, &request_id).await?),
            // The time zone database may have lost a zone since.
            Err(error) => {
                let due = Due { scheduled_at: now, missed: 0, window_over: false, next: None };
                (due, RunOutcome::Fail { reason: format!("change the plan: {error}") })
            }
        };
        let origin = RunOrigin::Scheduled {
            run_id: PlanRunId::new(),
            scheduled_at: due.scheduled_at,
            missed: due.missed,
            next: due.next,
            request_id,
        };
        self.write(lease, RunStart { plan, origin, outcome, quotas: self.quotas }).await
    }

    /// Starts a run that was asked for.
    pub(super) async fn start_requested(
        &self,
        lease: &Lease,
        plan: PlanRow,
        run: PlanRun,
    ) -> Result<(), Hindrance> {
        let outcome = match plan.plan.status {
            PlanStatus::Paused => {
                RunOutcome::Skip { reason: "the plan was paused before it could start".to_owned() }
            }
            PlanStatus::Active | PlanStatus::Error => self.prepare(&plan, &run.request_id).await?,
        };
        let origin = RunOrigin::Requested(run);
        self.write(lease, RunStart { plan, origin, outcome, quotas: self.quotas }).await
    }

    /// Gets the owner's leave, and finds what is to be backed up.
    async fn prepare(&self, plan: &PlanRow, request_id: &str) -> Result<RunOutcome, Hindrance> {
        let grant = Grant {
            trust_id: plan.trust_id.clone(),
            project_id: plan.plan.project_id.clone(),
            user_id: plan.plan.user_id.clone(),
        };
        match self.delegation.obtain(&grant).await {
            Ok(delegated) if delegated.project_id == plan.plan.project_id => {}
            Ok(delegated) => {
                let reason = format!(
                    "the plan's trust is for project {}: pause and resume the plan in its own \
                     project",
                    delegated.project_id
                );
                return Ok(RunOutcome::Fail { reason });
            }
            Err(error @ (DelegationError::Missing | DelegationError::Refused { .. })) => {
                return Ok(RunOutcome::Fail { reason: chain(&error) });
            }
            Err(error @ DelegationError::Unavailable { .. }) => {
                return Err(Hindrance::Unavailable { text: chain(&error) });
            }
        }
        let found = resolve::instances(self.cloud.as_ref(), &plan.plan, self.deadline).await;
        let (instances, notes) = match found {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                return Err(Hindrance::Unavailable { text: chain(&error) });
            }
            Err(error) => return Ok(RunOutcome::Fail { reason: chain(&error) }),
        };
        let id = plan.plan.id;
        let points = self
            .database
            .run(move |conn| firn_db::points_of_plan(conn, id, None))
            .await
            .map_err(Hindrance::database)?;
        let backups = instances
            .into_iter()
            .map(|instance| self.backup(plan, instance, &points, request_id))
            .collect();
        Ok(RunOutcome::Start { backups, notes })
    }

    fn backup(
        &self,
        plan: &PlanRow,
        instance: InstanceSummary,
        points: &[Point],
        request_id: &str,
    ) -> PlannedBackup {
        let settings = &plan.plan.settings;
        let request = BackupRequest {
            point_id: PointId::new(),
            job_id: JobId::new(),
            project_id: plan.plan.project_id.clone(),
            instance_id: instance.id,
            instance_name: instance.name,
            name: None,
            description: None,
            repository_id: settings.repository_id.unwrap_or(self.repository),
            mode: decide_mode(settings.full_every, points, instance.id),
            spec: json!({
                "plan_id": plan.plan.id,
                "consistency": settings.consistency,
                "excluded_disks": settings.excluded_disks,
                "bandwidth_bytes_per_second": settings.bandwidth_bytes_per_second,
                // 1: every one is full.
                "keep_base": settings.full_every != 1,
            }),
            request_id: request_id.to_owned(),
        };
        PlannedBackup { request }
    }

    /// Writes the run, and wakes conductors for its jobs.
    async fn write(&self, lease: &Lease, start: RunStart) -> Result<(), Hindrance> {
        let (lease, now) = (lease.clone(), self.clock.now());
        let plan = start.plan.plan.id;
        let jobs: Vec<(JobId, String)> = match &start.outcome {
            RunOutcome::Start { backups, .. } => backups
                .iter()
                .map(|backup| (backup.request.job_id, backup.request.request_id.clone()))
                .collect(),
            RunOutcome::Skip { .. } | RunOutcome::Fail { .. } => Vec::new(),
        };
        let write = move |conn: &mut _| firn_db::plan_run_start(conn, &lease, &start, now);
        let written = self.database.run(write).await.map_err(Hindrance::database)?;
        self.hindered.lock().remove(&plan);
        let Some(run) = written else {
            tracing::debug!(%plan, "the run was dealt with by another, or the plan changed");
            return Ok(());
        };
        tracing::info!(
            %plan,
            run = %run.id,
            scheduled_at = %run.scheduled_at,
            state = ?run.state,
            missed = run.missed,
            instances = run.instances,
            refused = run.refused,
            message = run.message.as_deref().unwrap_or_default(),
            "plan run"
        );
        for (job, request_id) in jobs {
            self.waker.wake(job, &request_id).await;
        }
        Ok(())
    }
}
