//! Firn on one machine: API, conductor and agent in one process, with SQLite and in-process
//! queues, and the human commands on top of the API.

mod cli;
mod client;
mod machines;
mod serve;
mod state_dir;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Worker { .. } => {
            start_log(true);
            return firn_conductor::worker::main();
        }
        Command::Serve(options) => {
            start_log(false);
            serve::run(&options)
        }
        command => client::run(command).map_err(anyhow::Error::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// The one place where an error's chain is printed.
#[expect(clippy::print_stderr, reason = "a command's last word is for people, not for the log")]
fn tell(error: &anyhow::Error) {
    eprintln!("firn: {error:#}");
}

/// Logs to standard error; `FIRN_LOG` filters, `info` by default. A worker's lines get their time
/// from the conductor that passes them on.
fn start_log(worker: bool) {
    let filter = EnvFilter::try_from_env("FIRN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(!worker && std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if worker { log.without_time().init() } else { log.init() }
}
