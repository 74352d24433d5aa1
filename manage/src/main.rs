//! `firn-manage`: commands of the operator.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use firn_cloud::openstack::KeystoneAuthtokenOptions;
use firn_db::DatabaseOptions;
use firn_manage::{catalog, db, repository};
use firn_service::{LogOptions, RepositoryOptions, ServiceArguments};

/// Commands of the operator
#[derive(Parser)]
#[command(name = "firn-manage", version)]
struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The database
    #[command(subcommand)]
    Db(db::Command),
    /// The repository
    #[command(subcommand)]
    Repository(repository::Command),
    /// Keystone's catalog
    #[command(subcommand)]
    Catalog(catalog::Command),
}

fn main() -> ExitCode {
    firn_service::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let groups = [
        LogOptions::group(),
        DatabaseOptions::group(),
        RepositoryOptions::group(),
        KeystoneAuthtokenOptions::group().shared(),
    ];
    let config = arguments.service.load(&groups)?;
    firn_service::logging::start(&config.get()?)?;
    let database = || config.get::<DatabaseOptions>()?.open().map_err(anyhow::Error::from);
    match &arguments.command {
        Command::Db(command) => db::run(command, &database()?),
        Command::Repository(command) => repository::run(command, &database()?, &config.get()?),
        // Before there is a database, or where it cannot be reached.
        Command::Catalog(command) => catalog::run(command, &config.get()?),
    }
}
