//! Claims jobs while there is room and runs them.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use firn_core::chain;
use firn_db::Claimed;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::places;
use crate::presence::Admission;
use crate::runner;
use crate::services::Services;
use crate::stop::Stop;

/// Runs jobs until `drain`, then waits for those that run to end, or to stop at `shutdown`.
///
/// `wake` says that there may be a new job; without it the database is searched at every
/// reconcile interval, so that a lost message delays a job and nothing worse.
pub(crate) async fn run(
    services: Arc<Services>,
    wake: Arc<Notify>,
    admission: Admission,
    drain: Stop,
    shutdown: Stop,
) {
    let slots = Arc::new(Semaphore::new(services.config.concurrent_jobs));
    let limited = services.config.job_limits.any();
    let mut running = JoinSet::new();
    while let Some((claimed, slot)) = next(&services, &slots, &wake, &admission, &drain).await {
        let job = &claimed.job;
        let span = tracing::info_span!(
            "job",
            job_id = %job.id,
            request_id = job.request_id,
            project_id = job.project_id.0
        );
        tracing::info!(parent: &span, kind = ?job.kind, attempt = job.attempts, "job claimed");
        let (services, shutdown) = (Arc::clone(&services), shutdown.clone());
        let wake = Arc::clone(&wake);
        let run = async move {
            let request_id = claimed.job.request_id.clone();
            let job = runner::run(services, claimed, shutdown);
            crate::request::within(request_id, job).await;
            drop(slot);
            if limited {
                // What it used is free for a job that waits for it.
                wake.notify_one();
            }
        };
        running.spawn(run.instrument(span));
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// The next job and a slot to run it in; `None` when no more are to be taken.
async fn next(
    services: &Services,
    slots: &Arc<Semaphore>,
    wake: &Notify,
    admission: &Admission,
    drain: &Stop,
) -> Option<(Claimed, OwnedSemaphorePermit)> {
    let slot = tokio::select! {
        slot = Arc::clone(slots).acquire_owned() => slot.ok()?,
        _ = drain.requested() => return None,
    };
    loop {
        tokio::select! {
            biased;
            _ = drain.requested() => return None,
            () = admission.open() => {}
        }
        if let Some(claimed) = claim(services).await {
            return Some((claimed, slot));
        }
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(services.config.reconcile_interval) => {}
            _ = drain.requested() => return None,
        }
    }
}

async fn claim(services: &Services) -> Option<Claimed> {
    let owner = services.config.host.clone();
    let lease = TimeDelta::from_std(services.config.lease).unwrap_or(TimeDelta::MAX);
    let limits = services.config.job_limits;
    if limits.need_places() {
        places::find(services).await;
    }
    let claim = move |conn: &mut _| match limits.any() {
        true => firn_db::job_claim_within(conn, &owner, lease, &limits, Utc::now()),
        false => firn_db::job_claim_next(conn, &owner, lease, Utc::now()),
    };
    match services.database.run(claim).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::warn!(error = chain(&error), "cannot claim jobs now");
            None
        }
    }
}
