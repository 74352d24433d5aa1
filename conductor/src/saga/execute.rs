//! Runs a saga to its end, forwards or backwards.

use std::time::Duration;

use firn_core::{ErrorKind, StepState, chain};

use super::{JobContext, JobError, Journal, JournalError, JournalState, Step};
use crate::stop::StopReason;

/// How often a step is tried when what it needs is not available: for a minute at the usual delay,
/// so that a broker, an agent or a storage that is started again fails no backup.
const TRIES: u32 = 7;

/// How often an undo is tried before the job is left to a later claim.
const UNDO_TRIES: u32 = 5;

/// How a saga ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every step is done; their outputs are in the context.
    Succeeded,
    /// A step failed; everything is undone.
    Failed(JobError),
    /// It was cancelled; everything is undone.
    Cancelled,
    /// It stopped on its way, because the lease is lost, the service ends, or an undo does not
    /// succeed: whoever claims the job next goes on.
    Interrupted,
}

/// Runs `steps` from wherever the journal says that the job is.
pub(crate) async fn execute(
    steps: &[Box<dyn Step>],
    job: &JobContext,
    journal: &dyn Journal,
) -> Ended {
    match run(steps, job, journal).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::warn!(job_id = %job.id, error = chain(&error), "job interrupted");
            Ended::Interrupted
        }
    }
}

async fn run(
    steps: &[Box<dyn Step>],
    job: &JobContext,
    journal: &dyn Journal,
) -> Result<Ended, JournalError> {
    let JournalState { entries, unwinding, error } = journal.load().await?;
    let mut touched = vec![None; steps.len()];
    for entry in entries {
        if let Some(slot) = touched.get_mut(entry.position) {
            *slot = Some(entry.state);
        }
        if let (Some(step), StepState::Done, Some(output)) =
            (steps.get(entry.position), entry.state, entry.output)
        {
            job.set_output(step.name(), output);
        }
    }
    if unwinding {
        return unwind(steps, &touched, error, job, journal).await;
    }
    let commit = steps.iter().position(|step| step.commits());
    for (position, step) in steps.iter().enumerate() {
        if touched[position] == Some(StepState::Done) {
            continue;
        }
        let committed =
            |touched: &[Option<StepState>]| commit.is_some_and(|commit| touched[commit].is_some());
        let result = match stopped(job, committed(&touched)) {
            // The first step's undo also ends what came with the request, such as a trust.
            Some(StopReason::Cancelled) if position == 0 => {
                journal.started(position, step.name()).await?;
                touched[position] = Some(StepState::Started);
                None
            }
            Some(_) => None,
            None => {
                journal.started(position, step.name()).await?;
                touched[position] = Some(StepState::Started);
                Some(attempt(step.as_ref(), job, journal, committed(&touched)).await?)
            }
        };
        if let Some(Ok(output)) = result {
            journal.done(position, &output).await?;
            touched[position] = Some(StepState::Done);
            job.set_output(step.name(), output);
            continue;
        }
        let committed = committed(&touched);
        let error = match stopped(job, committed) {
            Some(StopReason::LeaseLost | StopReason::Shutdown) => return Ok(Ended::Interrupted),
            Some(StopReason::Cancelled) => None,
            None => result.and_then(Result::err),
        };
        if let (true, Some(error)) = (committed, &error) {
            journal.warn(step.name(), &format!("failed and is tried again later: {error}")).await?;
            return Ok(Ended::Interrupted);
        }
        let started = touched[position].is_some().then_some(step.as_ref());
        begin_to_unwind(started, error.as_ref(), job, journal).await?;
        return unwind(steps, &touched, error, job, journal).await;
    }
    Ok(Ended::Succeeded)
}

/// Journals that undo begins. Where the database's storage is full, what the last step made may be
/// what fills it, and without that word the next claim would only make it again: it goes first, as
/// the step was started and may be undone and run again.
async fn begin_to_unwind(
    started: Option<&dyn Step>,
    error: Option<&JobError>,
    job: &JobContext,
    journal: &dyn Journal,
) -> Result<(), JournalError> {
    match (journal.unwinding(error).await, started) {
        (Err(JournalError::Database(full)), Some(step))
            if full.kind() == ErrorKind::QuotaExceeded =>
        {
            if let Err(error) = step.undo(job).await {
                tracing::warn!(job_id = %job.id, step = step.name(), %error, "cannot undo yet");
            }
            journal.unwinding(error).await
        }
        (result, _) => result,
    }
}

/// Why to stop now. A cancel is no reason once the job is `committed`.
fn stopped(job: &JobContext, committed: bool) -> Option<StopReason> {
    job.stop.reason().filter(|reason| !(committed && *reason == StopReason::Cancelled))
}

/// Runs one step, again where the failure may pass. The outer error is the journal's.
async fn attempt(
    step: &dyn Step,
    job: &JobContext,
    journal: &dyn Journal,
    committed: bool,
) -> Result<Result<serde_json::Value, JobError>, JournalError> {
    let mut tries = 1;
    loop {
        let error = match step.run(job).await {
            Ok(output) => return Ok(Ok(output)),
            Err(error) => error,
        };
        if tries == TRIES || !error.kind.retryable() || stopped(job, committed).is_some() {
            return Ok(Err(error));
        }
        let text = format!("try {tries} of {TRIES} failed and is repeated: {error}");
        journal.warn(step.name(), &text).await?;
        pause(job, tries).await;
        tries += 1;
    }
}

/// Undoes what was started, last first.
async fn unwind(
    steps: &[Box<dyn Step>],
    touched: &[Option<StepState>],
    error: Option<JobError>,
    job: &JobContext,
    journal: &dyn Journal,
) -> Result<Ended, JournalError> {
    for (position, step) in steps.iter().enumerate().rev() {
        if !matches!(touched[position], Some(StepState::Started | StepState::Done)) {
            continue;
        }
        let mut tries = 1;
        while let Err(error) = step.undo(job).await {
            tracing::warn!(job_id = %job.id, step = step.name(), %error, "cannot undo yet");
            let ours =
                !matches!(job.stop.reason(), Some(StopReason::LeaseLost | StopReason::Shutdown));
            if tries == UNDO_TRIES || !ours {
                return Ok(Ended::Interrupted);
            }
            pause(job, tries).await;
            tries += 1;
        }
        journal.undone(position).await?;
    }
    Ok(match error {
        Some(error) => Ended::Failed(error),
        None => Ended::Cancelled,
    })
}

/// Waits a while that doubles with each try, or until the job must stop.
async fn pause(job: &JobContext, tries: u32) {
    let delay = job.retry_delay.saturating_mul(1 << tries.min(6)).min(Duration::from_secs(30));
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        _ = job.stop.requested(), if job.stop.reason().is_none() => {}
    }
}

#[cfg(test)]
#[path = "execute_tests.rs"]
mod tests;
