use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use firn_cloud::{Delegation, NoDelegation};
use firn_core::RepositoryId;
use firn_db::{Database, QuotaLimits};
use oslo_messaging::{Notifier, Transport};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::presence::Admission;
use crate::scheduler::{self, QueueWaker, Scheduler, SystemClock};
use crate::services::{CloudAccess, Services};
use crate::stop::{Stop, StopReason};
use crate::{ConductorConfig, dispatcher, presence, reconcile, requests};

/// Takes jobs and answers questions until told to stop.
pub struct Conductor {
    services: Arc<Services>,
    transport: Arc<dyn Transport>,
    repository: RepositoryId,
    delegation: Arc<dyn Delegation>,
    quotas: QuotaLimits,
    drain: Stop,
    shutdown: Stop,
    answers: Arc<Notify>,
}

/// Stops a conductor.
#[derive(Clone)]
pub struct Shutdown {
    drain: Stop,
    shutdown: Stop,
}

impl Shutdown {
    /// No new job is taken; [`Conductor::run`] returns when those that run have ended.
    pub fn drain(&self) {
        self.drain.request(StopReason::Shutdown);
    }

    /// Running jobs are stopped and given back; [`Conductor::run`] then returns.
    pub fn request(&self) {
        self.drain();
        self.shutdown.request(StopReason::Shutdown);
    }
}

impl Conductor {
    /// Loads the drivers; nothing runs yet. `repository` is the row of the repository that the
    /// configuration describes.
    pub fn new(
        config: ConductorConfig,
        repository: RepositoryId,
        database: Database,
        transport: Arc<dyn Transport>,
        notifier: Arc<dyn Notifier>,
        cloud: CloudAccess,
    ) -> Self {
        let services = Arc::new(Services::new(config, database, cloud, notifier));
        Self {
            services,
            transport,
            repository,
            delegation: Arc::new(NoDelegation),
            quotas: QuotaLimits::default(),
            drain: Stop::default(),
            shutdown: Stop::default(),
            answers: Arc::default(),
        }
    }

    /// Asks `delegation` before every run of a plan; without it, every plan may run.
    #[must_use]
    pub fn with_delegation(self, delegation: Arc<dyn Delegation>) -> Self {
        Self { delegation, ..self }
    }

    /// What the runs of a plan leave room for in a project without limits of its own; without it,
    /// such a project has none.
    #[must_use]
    pub fn with_quotas(self, quotas: QuotaLimits) -> Self {
        Self { quotas, ..self }
    }

    /// To stop it, from anywhere.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown { drain: self.drain.clone(), shutdown: self.shutdown.clone() }
    }

    /// Told once when questions are answered; before that an API has nobody to ask.
    pub fn answers(&self) -> Arc<Notify> {
        Arc::clone(&self.answers)
    }

    /// Runs until told to stop, then until every running job has ended or stopped.
    pub async fn run(self) {
        let Self { services, transport, repository, delegation, quotas, drain, shutdown, answers } =
            self;
        let plans = Arc::new(plans(&services, &transport, repository, delegation, quotas));
        let lease = services.config.lease;
        let started_at = Utc::now();
        let wake = Arc::new(Notify::new());
        let admission = Admission::default();
        let dispatch = dispatcher::run(
            Arc::clone(&services),
            Arc::clone(&wake),
            admission.clone(),
            drain.clone(),
            shutdown.clone(),
        );
        let others = async {
            tokio::join!(
                requests::wake_ups(transport.as_ref(), &wake),
                requests::questions(transport.as_ref(), &services, &answers),
                reconcile::run(Arc::clone(&services), repository, shutdown.clone()),
                presence::report(&services, started_at, &admission),
                scheduler::run(Arc::clone(&plans), lease, drain),
            )
        };
        tokio::select! {
            () = dispatch => {}
            _ = others => {}
        }
        // The turn at hand, if there was one, is cut off: it is written wholly or not at all.
        plans.release().await;
    }
}

fn plans(
    services: &Services,
    transport: &Arc<dyn Transport>,
    repository: RepositoryId,
    delegation: Arc<dyn Delegation>,
    quotas: QuotaLimits,
) -> Scheduler {
    let config = &services.config;
    let settings = scheduler::Settings {
        owner: format!("{}/{}", config.host, Uuid::new_v4()),
        lease: TimeDelta::from_std(config.lease).unwrap_or(TimeDelta::MAX),
        deadline: config.probe_deadline,
        repository,
        quotas,
    };
    Scheduler::new(
        settings,
        services.database.clone(),
        Arc::clone(&services.cloud),
        delegation,
        Arc::new(SystemClock),
        Arc::new(QueueWaker(Arc::clone(transport))),
    )
}
