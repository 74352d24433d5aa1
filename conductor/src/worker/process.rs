//! The conductor's side of a worker: start it, listen to it, end it.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use firn_core::{ErrorKind, Progress};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep_until};

use super::protocol::{Command, Event, Level, Task};
use super::shares::Share;
use crate::stop::{Stop, StopReason};

/// How long a worker may take to stop after it was told to cancel.
const CANCEL_GRACE: Duration = Duration::from_secs(8);

/// The program that is started as a worker: this same program with other arguments.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments before the job id, which is last (for `ps`, not for the worker).
    pub arguments: Vec<String>,
}

/// What the conductor does with a worker's events.
#[async_trait]
pub trait Watch: Send + Sync {
    /// It moved on.
    fn progress(&self, progress: Progress);
    /// It has something to say to the job's owner.
    async fn message(&self, level: Level, action: &str, text: &str);
    /// Whether the job is still ours, so that its result may become visible.
    async fn may_commit(&self) -> bool;
}

/// Why a worker gave no result.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not be started or spoken to.
    #[error("cannot run the worker process {program}")]
    Run {
        /// Its path.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It said itself why.
    #[error("{message}")]
    Failed {
        /// Its own kind.
        kind: ErrorKind,
        /// Its own words.
        message: String,
    },
    /// It died without a word, as after a crash in a driver or a kill.
    #[error("the worker process ended unexpectedly ({status})")]
    Died {
        /// How.
        status: ExitStatus,
    },
    /// It was ended because the job stops.
    #[error("the worker process was stopped")]
    Stopped,
}

impl WorkerError {
    /// What a caller can act on. A worker that died may well live the next time.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Run { .. } => ErrorKind::Internal,
            Self::Failed { kind, .. } => *kind,
            Self::Died { .. } | Self::Stopped => ErrorKind::Unavailable,
        }
    }
}

impl WorkerCommand {
    /// Runs `task` to its end and gives the result's JSON. A task that reads disks has a `share` of
    /// the conductor's bandwidth, and is told when it changes.
    ///
    /// Whatever happens, the process is gone when this returns; when the future is dropped it is
    /// killed.
    pub async fn run(
        &self,
        task: &Task,
        watch: &dyn Watch,
        stop: &Stop,
        share: Option<Share>,
    ) -> Result<Value, WorkerError> {
        let failed = |source| WorkerError::Run { program: self.program.clone(), source };
        let mut child = tokio::process::Command::new(&self.program)
            .args(&self.arguments)
            .arg(task.job_id.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        forward_log(&mut child, task);
        let outcome = converse(&mut child, task, watch, stop, share).await;
        // A worker that said its last word exits by itself; any other is not waited for.
        if !matches!(outcome, Ok(Outcome::Said(_))) {
            let _ = child.start_kill();
        }
        let status = child.wait().await.map_err(failed)?;
        match outcome.map_err(failed)? {
            Outcome::Said(Event::Done { result }) => Ok(result),
            Outcome::Said(Event::Failed { cancelled: true, .. }) | Outcome::Stopped => {
                Err(WorkerError::Stopped)
            }
            Outcome::Said(Event::Failed { kind, message, .. }) => {
                Err(WorkerError::Failed { kind, message })
            }
            Outcome::Said(_) | Outcome::Silent => Err(WorkerError::Died { status }),
        }
    }
}

/// How a conversation ended.
enum Outcome {
    /// With the worker's last word.
    Said(Event),
    /// We ended it.
    Stopped,
    /// Its output ended without a last word.
    Silent,
}

async fn converse(
    child: &mut Child,
    task: &Task,
    watch: &dyn Watch,
    stop: &Stop,
    mut share: Option<Share>,
) -> std::io::Result<Outcome> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Ok(Outcome::Silent);
    };
    // A worker that dies before it has read everything shows as the end of its output.
    if send(&mut input, task).await.is_err() {
        return Ok(Outcome::Silent);
    }
    let mut lines = BufReader::new(output).lines();
    let mut kill_at: Option<Instant> = None;
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            reason = stop.requested(), if kill_at.is_none() => match reason {
                StopReason::Cancelled => {
                    let _ = send(&mut input, &Command::Cancel).await;
                    kill_at = Some(Instant::now() + CANCEL_GRACE);
                    continue;
                }
                StopReason::LeaseLost | StopReason::Shutdown => return Ok(Outcome::Stopped),
            },
            bytes_per_second = changed(&mut share) => {
                let _ = send(&mut input, &Command::Bandwidth { bytes_per_second }).await;
                continue;
            }
            () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() => {
                return Ok(Outcome::Stopped);
            }
        };
        let Some(line) = line else { return Ok(Outcome::Silent) };
        match serde_json::from_str(&line) {
            Ok(Event::Progress { done_bytes, total_bytes }) => {
                watch.progress(Progress { done_bytes, total_bytes });
            }
            Ok(Event::Message { level, action, text }) => {
                watch.message(level, &action, &text).await;
            }
            Ok(Event::Prepared) => {
                if !watch.may_commit().await {
                    return Ok(Outcome::Stopped);
                }
                let _ = send(&mut input, &Command::Commit).await;
            }
            Ok(last @ (Event::Done { .. } | Event::Failed { .. })) => {
                return Ok(Outcome::Said(last));
            }
            Err(error) => {
                tracing::warn!(job_id = %task.job_id, %error, "a worker's line is not an event")
            }
        }
    }
}

async fn changed(share: &mut Option<Share>) -> u64 {
    match share {
        Some(share) => share.changed().await,
        None => std::future::pending().await,
    }
}

async fn send(input: &mut ChildStdin, message: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    input.write_all(&line).await?;
    input.flush().await
}

/// The worker's log lines become ours, under the job's id.
fn forward_log(child: &mut Child, task: &Task) {
    let Some(log) = child.stderr.take() else { return };
    let job_id = task.job_id;
    tokio::spawn(async move {
        let mut lines = BufReader::new(log).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            tracing::info!(target: "firn_worker", %job_id, "{line}");
        }
    });
}
