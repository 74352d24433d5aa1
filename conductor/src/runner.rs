//! Runs one claimed job to its end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use firn_core::{ErrorKind, JobState, chain};
use firn_db::{Claim, Claimed, Connection, Database, DbError, EventLevel, JobEnd, JobProgress};

use crate::lease::{Beat, Heart, Lease, Pulse};
use crate::notify::{self, Phase};
use crate::saga::{
    DbJournal, Ended, JobContext, JobError, Journal, RunningJob, end, execute, refused, steps,
};
use crate::services::Services;
use crate::stop::{Stop, StopReason};

/// Wait before a step's second try.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Wait before a job that could not be unwound is claimed again.
const UNDO_LATER: TimeDelta = TimeDelta::seconds(30);

/// Runs the job and writes its end, or gives it back where it has to stop before that.
pub(crate) async fn run(services: Arc<Services>, claimed: Claimed, shutdown: Stop) {
    let Claimed { job: row, claim } = claimed;
    let database = services.database.clone();
    let notifier = Arc::clone(&services.notifier);
    let restore = notify::restore_of(&database, &row).await;
    if row.attempts <= 1 {
        notify::tell(notifier.as_ref(), &row, restore.as_ref(), &Phase::Start);
    }
    let stop = Stop::default();
    if row.state == JobState::Cancelling {
        stop.request(StopReason::Cancelled);
    }
    let journal: Arc<dyn Journal> = Arc::new(DbJournal::new(database.clone(), claim));
    let length = services.config.lease;
    let heart = DbHeart { database: database.clone(), claim, length };
    let lease = Arc::new(Lease::new(Box::new(heart), Arc::clone(&journal), stop.clone(), length));
    let context = JobContext::new(row.id, stop.clone(), RETRY_DELAY);
    let job = RunningJob::new(services, Arc::clone(&lease), claim, &row);
    let steps = match steps(&job).await {
        Ok(steps) => steps,
        // Nothing was done yet that would have to be undone.
        Err(error) if row.attempts <= 1 && !error.kind.retryable() => refused(error),
        Err(error) => {
            tracing::warn!(%error, "the job's steps are not known: it is tried again later");
            if let Err(error) = release(&database, claim, None).await {
                tracing::warn!(error = chain(&error), "the job could not be given back");
            }
            return;
        }
    };
    let saga = execute(&steps, &context, journal.as_ref());
    let ended = tokio::select! {
        ended = saga => ended,
        never = lease.keep() => never,
        never = pass_on(&shutdown, &stop) => never,
    };
    tracing::info!(outcome = ?ended, "job stopped");
    let phase = match &ended {
        Ended::Succeeded => Some(Phase::End),
        Ended::Failed(error) => Some(Phase::Error(error)),
        Ended::Cancelled => Some(Phase::Cancelled),
        Ended::Interrupted => None,
    };
    let written = match &ended {
        Ended::Succeeded => succeed(&database, &job, &context, &lease).await,
        Ended::Failed(error) => fail(&database, claim, error).await,
        Ended::Cancelled => finish(&database, claim, JobEnd::Unwound).await,
        Ended::Interrupted => release(&database, claim, stop.reason()).await,
    };
    match (written, phase) {
        (Ok(()), Some(phase)) => notify::tell(notifier.as_ref(), &row, restore.as_ref(), &phase),
        (Ok(()), None) => {}
        // The lease runs out, and whoever claims the job then finds it nearly done.
        (Err(error), _) => {
            tracing::error!(error = chain(&error), "the job's end could not be written");
        }
    }
}

/// A stop of the service stops the job.
async fn pass_on(shutdown: &Stop, stop: &Stop) -> ! {
    stop.request(shutdown.requested().await);
    std::future::pending().await
}

async fn succeed(
    database: &Database,
    job: &RunningJob,
    context: &JobContext,
    lease: &Lease,
) -> Result<(), DbError> {
    lease.tell().await;
    match end(job, context) {
        Ok(end) => finish(database, job.claim, end).await,
        // The steps stay done, and nobody is told that the job has ended.
        Err(error) => Err(DbError::InvalidInput { field: "journal", message: chain(&error) }),
    }
}

async fn fail(database: &Database, claim: Claim, error: &JobError) -> Result<(), DbError> {
    let message = error.message.clone();
    write(database, move |conn| {
        let (level, job) = (EventLevel::Error, claim.job_id);
        firn_db::job_event_add(conn, job, level, "failed", &message, Utc::now())
    })
    .await?;
    finish(database, claim, JobEnd::Unwound).await
}

async fn finish(database: &Database, claim: Claim, end: JobEnd) -> Result<(), DbError> {
    write(database, move |conn| firn_db::job_finish(conn, &claim, &end, Utc::now()).map(drop)).await
}

async fn release(
    database: &Database,
    claim: Claim,
    reason: Option<StopReason>,
) -> Result<(), DbError> {
    let claimable_at = match reason {
        Some(StopReason::LeaseLost) => return Ok(()),
        Some(StopReason::Shutdown) => Utc::now(),
        Some(StopReason::Cancelled) | None => Utc::now() + UNDO_LATER,
    };
    write(database, move |conn| firn_db::job_release(conn, &claim, claimable_at, Utc::now())).await
}

/// Writes, and again where the database is busy. Only an end is worth so much patience.
async fn write<T: Send + 'static>(
    database: &Database,
    write: impl Fn(&mut Connection) -> Result<T, DbError> + Clone + Send + 'static,
) -> Result<T, DbError> {
    const TRIES: u32 = 5;
    let mut tries = 1;
    loop {
        match database.run(write.clone()).await {
            Err(error) if error.kind() == ErrorKind::Unavailable && tries < TRIES => {
                tokio::time::sleep(RETRY_DELAY * tries).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

/// Heartbeats in the database.
struct DbHeart {
    database: Database,
    claim: Claim,
    length: Duration,
}

#[async_trait]
impl Heart for DbHeart {
    async fn beat(&self, beat: Beat) -> Option<Pulse> {
        let claim = self.claim;
        let until = Utc::now() + TimeDelta::from_std(self.length).unwrap_or(TimeDelta::MAX);
        let progress = JobProgress {
            done_bytes: beat.progress.done_bytes,
            total_bytes: beat.progress.total_bytes,
            rate_bytes_per_second: beat.bytes_per_second,
            eta_seconds: beat.remaining.map(|left| left.as_secs()),
        };
        let progress = (progress.total_bytes > 0).then_some(progress);
        let answer = self
            .database
            .run(move |conn| firn_db::job_heartbeat(conn, &claim, progress, until, Utc::now()))
            .await;
        match answer {
            Ok(heartbeat) if !heartbeat.still_mine => Some(Pulse::Lost),
            Ok(heartbeat) if heartbeat.cancel_requested => Some(Pulse::CancelRequested),
            Ok(_) => Some(Pulse::Ours),
            Err(error) => {
                tracing::warn!(job_id = %claim.job_id, error = chain(&error), "no heartbeat");
                None
            }
        }
    }
}
