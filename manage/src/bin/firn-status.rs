//! `firn-status upgrade check`: 0 all is well, 1 look at it, 2 do not go on, 255 no answer.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use firn_manage::{say, status};
use firn_service::ServiceArguments;

/// Whether an upgrade may go on
#[derive(Parser)]
#[command(name = "firn-status", version)]
struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Upgrades
    #[command(subcommand)]
    Upgrade(Upgrade),
}

#[derive(Subcommand)]
enum Upgrade {
    /// Look at configuration, database and drivers; change nothing
    Check,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Command::Upgrade(Upgrade::Check) = arguments.command;
    let ServiceArguments { config_file: mut files, config_dir: dirs } = arguments.service;
    if files.is_empty() && dirs.is_empty() {
        files.push("/etc/firn/firn.conf".into());
    }
    let checks = status::check(&files, &dirs);
    match say(status::table(&checks).trim_end()) {
        Ok(()) => ExitCode::from(status::worst(&checks).code()),
        Err(_) => ExitCode::from(255),
    }
}
