use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use firn_cloud::{Cloud, Delegation};
use firn_core::{ErrorKind, PlanId, RepositoryId, chain};
use firn_db::{Database, DbError, Lease, PlanRow, PlanRun, QuotaLimits, Scope};
use parking_lot::Mutex;

use super::clock::Clock;
use super::leader::Leader;
use super::start::Hindrance;
use super::wake::Waker;
use crate::stop::Stop;

/// How often the leader looks. A run that was asked for waits about this long.
const INTERVAL: Duration = Duration::from_secs(1);

/// At most so many of each sort are looked at in one turn.
const BATCH: u32 = 500;

/// What a scheduler needs.
pub(crate) struct Settings {
    /// Name of this process, another after every start.
    pub(crate) owner: String,
    /// How long it leads without a sign of life.
    pub(crate) lease: TimeDelta,
    /// How long one answer of the cloud may take.
    pub(crate) deadline: Duration,
    /// Where plans go that name no repository.
    pub(crate) repository: RepositoryId,
    /// What a project may have that has no limits of its own.
    pub(crate) quotas: QuotaLimits,
}

/// One conductor's scheduler.
pub(crate) struct Scheduler {
    pub(super) database: Database,
    pub(super) cloud: Arc<dyn Cloud>,
    pub(super) delegation: Arc<dyn Delegation>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) waker: Arc<dyn Waker>,
    pub(super) deadline: Duration,
    pub(super) repository: RepositoryId,
    pub(super) quotas: QuotaLimits,
    /// Why plans that are due could not start yet.
    pub(super) hindered: Mutex<HashMap<PlanId, String>>,
    leader: Leader,
}

/// What there is to do.
struct Work {
    requested: Vec<(PlanRow, PlanRun)>,
    due: Vec<PlanRow>,
    running: Vec<PlanRun>,
}

impl Scheduler {
    pub(crate) fn new(
        settings: Settings,
        database: Database,
        cloud: Arc<dyn Cloud>,
        delegation: Arc<dyn Delegation>,
        clock: Arc<dyn Clock>,
        waker: Arc<dyn Waker>,
    ) -> Self {
        Self {
            leader: Leader::new(database.clone(), settings.owner, settings.lease),
            deadline: settings.deadline,
            repository: settings.repository,
            quotas: settings.quotas,
            hindered: Mutex::default(),
            database,
            cloud,
            delegation,
            clock,
            waker,
        }
    }

    /// One look at what there is to do; whether this scheduler leads.
    pub(crate) async fn turn(&self) -> bool {
        if self.lease().await.is_none() {
            return false;
        }
        let work = match self.work().await {
            Ok(work) => work,
            Err(error) => {
                tracing::warn!(error = chain(&error), "plans cannot be read now");
                return true;
            }
        };
        // The lease is looked at before every step: a step begins only while enough of it is left.
        for (plan, run) in work.requested {
            let Some(lease) = self.lease().await else { return false };
            let id = plan.plan.id;
            self.heed(id, self.start_requested(&lease, plan, run).await);
        }
        for plan in work.due {
            let Some(lease) = self.lease().await else { return false };
            let id = plan.plan.id;
            self.heed(id, self.start_scheduled(&lease, plan).await);
        }
        for run in work.running {
            let Some(lease) = self.lease().await else { return false };
            let id = run.plan_id;
            self.heed(id, self.finish(&lease, run).await);
        }
        true
    }

    /// Gives the lead to another.
    pub(crate) async fn release(&self) {
        self.leader.release(self.clock.now()).await;
    }

    async fn lease(&self) -> Option<Lease> {
        self.leader.hold(self.clock.now()).await
    }

    async fn work(&self) -> Result<Work, DbError> {
        let now = self.clock.now();
        self.database
            .run(move |conn| {
                let mut requested = Vec::new();
                for run in firn_db::plan_runs_requested(conn, BATCH)? {
                    match firn_db::plan_get(conn, &Scope::All, run.plan_id) {
                        Ok(plan) => requested.push((plan, run)),
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(Work {
                    requested,
                    due: firn_db::plan_due(conn, now, BATCH)?,
                    running: firn_db::plan_runs_running(conn, BATCH)?,
                })
            })
            .await
    }

    /// What hinders one plan holds up no other.
    fn heed(&self, plan: PlanId, done: Result<(), Hindrance>) {
        match done {
            Ok(()) => {}
            Err(Hindrance::LeaseLost) => self.leader.lost(),
            Err(error) => {
                let text = chain(&error);
                tracing::warn!(%plan, error = text, "a plan has to wait");
                self.hindered.lock().insert(plan, text);
            }
        }
    }
}

/// Takes turns until `stop`, then gives the lead away.
pub(crate) async fn run(scheduler: Arc<Scheduler>, lease: Duration, stop: Stop) {
    while stop.reason().is_none() {
        let leads = scheduler.turn().await;
        let pause = if leads { INTERVAL } else { (lease / 3).max(INTERVAL) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.requested() => {}
        }
    }
    scheduler.release().await;
}
