//! Entry of the worker process.

use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;
use std::sync::Arc;

use firn_core::ErrorKind;
use serde_json::Value;

use super::error::TaskError;
use super::link::{Link, take_stdout};
use super::protocol::{Event, Task, Work};
use super::{backup, restore, revert, verify};

/// Runs the task given on standard input; see [`super::protocol`]. Called by the hidden `worker`
/// command of the service's own program, with tracing already set up for standard error.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the worker cannot speak to its conductor");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let output = take_stdout()?;
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let task: Task = serde_json::from_str(&line)?;
    let link = Arc::new(Link::new(output));
    link.obey(input);
    let last = match perform(&task, &link) {
        Ok(result) => {
            link.tell_progress();
            Event::Done { result }
        }
        Err(error) => error.into_event(),
    };
    link.tell(&last);
    Ok(())
}

fn perform(task: &Task, link: &Arc<Link>) -> Result<Value, TaskError> {
    let result = match &task.work {
        Work::Backup(work) => serde_json::to_value(backup::run(task, work, link)?),
        Work::Restore(work) => serde_json::to_value(restore::run(task, work, link)?),
        Work::Revert(work) => serde_json::to_value(revert::run(task, work, link)?),
        Work::Verify(work) => serde_json::to_value(verify::run(task, work, link)?),
    };
    result.map_err(|error| TaskError::new(ErrorKind::Internal, error.to_string()))
}
