use std::sync::Arc;

use chrono::Utc;
use firn_cloud::Cloud;
use firn_core::RepositoryId;
use firn_db::Database;
use oslo_messaging::Transport;
use tokio::sync::Notify;

use crate::services::Services;
use crate::stop::{Stop, StopReason};
use crate::{ConductorConfig, dispatcher, presence, reconcile, requests};

/// Takes jobs and answers questions until told to stop.
pub struct Conductor {
    services: Arc<Services>,
    transport: Arc<dyn Transport>,
    repository: RepositoryId,
    shutdown: Stop,
    answers: Arc<Notify>,
}

/// Stops a conductor.
#[derive(Clone)]
pub struct Shutdown(Stop);

impl Shutdown {
    /// Running jobs are stopped and given back; [`Conductor::run`] then returns.
    pub fn request(&self) {
        self.0.request(StopReason::Shutdown);
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
        cloud: Arc<dyn Cloud>,
    ) -> Self {
        let services = Arc::new(Services::new(config, database, cloud));
        Self { services, transport, repository, shutdown: Stop::default(), answers: Arc::default() }
    }

    /// To stop it, from anywhere.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown(self.shutdown.clone())
    }

    /// Told once when questions are answered; before that an API has nobody to ask.
    pub fn answers(&self) -> Arc<Notify> {
        Arc::clone(&self.answers)
    }

    /// Runs until [`Shutdown::request`], then until every running job has stopped.
    pub async fn run(self) {
        let Self { services, transport, repository, shutdown, answers } = self;
        let started_at = Utc::now();
        let wake = Arc::new(Notify::new());
        let dispatch = dispatcher::run(Arc::clone(&services), Arc::clone(&wake), shutdown.clone());
        let others = async {
            tokio::join!(
                requests::wake_ups(transport.as_ref(), &wake),
                requests::questions(transport.as_ref(), &services, &answers),
                reconcile::run(Arc::clone(&services), repository, shutdown.clone()),
                presence::report(&services, started_at),
            )
        };
        tokio::select! {
            () = dispatch => {}
            _ = others => {}
        }
    }
}
