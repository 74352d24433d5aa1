use std::sync::Arc;

use chrono::Utc;
use firn_cloud::Cloud;
use firn_core::RepositoryId;
use firn_db::Database;
use oslo_messaging::{Notifier, Transport};
use tokio::sync::Notify;

use crate::presence::Admission;
use crate::services::Services;
use crate::stop::{Stop, StopReason};
use crate::{ConductorConfig, dispatcher, presence, reconcile, requests};

/// Takes jobs and answers questions until told to stop.
pub struct Conductor {
    services: Arc<Services>,
    transport: Arc<dyn Transport>,
    repository: RepositoryId,
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
        cloud: Arc<dyn Cloud>,
    ) -> Self {
        let services = Arc::new(Services::new(config, database, cloud, notifier));
        Self {
            services,
            transport,
            repository,
            drain: Stop::default(),
            shutdown: Stop::default(),
            answers: Arc::default(),
        }
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
        let Self { services, transport, repository, drain, shutdown, answers } = self;
        let started_at = Utc::now();
        let wake = Arc::new(Notify::new());
        let admission = Admission::default();
        let dispatch = dispatcher::run(
            Arc::clone(&services),
            Arc::clone(&wake),
            admission.clone(),
            drain,
            shutdown.clone(),
        );
        let others = async {
            tokio::join!(
                requests::wake_ups(transport.as_ref(), &wake),
                requests::questions(transport.as_ref(), &services, &answers),
                reconcile::run(Arc::clone(&services), repository, shutdown.clone()),
                presence::report(&services, started_at, &admission),
            )
        };
        tokio::select! {
            () = dispatch => {}
            _ = others => {}
        }
    }
}
