use std::fmt::Display;
use std::process::ExitCode;

/// What a process ends with: an error is told to whoever started it, with its causes.
#[expect(clippy::print_stderr, reason = "a process's last word is also for who has no log yet")]
pub fn exit<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "ended");
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
