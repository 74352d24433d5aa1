//! `firn-manage db`.

use chrono::Utc;
use clap::{Args, Subcommand};
use firn_db::{Database, Phase};

use crate::purge::{self, Purge};
use crate::say;

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the tables up to date. Safe to run from several machines at once
    Sync(Sync),
    /// Show which migrations the database has had
    Version,
    /// Remove what ended long ago
    Purge(Purge),
}

/// Without an option, everything that is pending.
#[derive(Args, Debug)]
pub struct Sync {
    /// Only what the running version can live with: before the services are upgraded
    #[arg(long, conflicts_with = "contract")]
    expand: bool,
    /// Only what remains: after all services are upgraded
    #[arg(long)]
    contract: bool,
}

/// Carries it out.
///
/// # Errors
/// What the database answers.
pub fn run(command: &Command, database: &Database) -> anyhow::Result<()> {
    match command {
        Command::Sync(options) => sync(options, database),
        Command::Version => version(database),
        Command::Purge(options) => purge::run(options, database, Utc::now()),
    }
}

fn sync(options: &Sync, database: &Database) -> anyhow::Result<()> {
    let phase = match (options.expand, options.contract) {
        (true, _) => Phase::Expand,
        (_, true) => Phase::Contract,
        _ => Phase::All,
    };
    let ran = database.migrate_phase(phase)?;
    for name in &ran {
        say(&format!("{name}: done"))?;
    }
    if ran.is_empty() {
        say("the database is up to date")?;
    }
    Ok(())
}

fn version(database: &Database) -> anyhow::Result<()> {
    for migration in database.migrations()? {
        let state = match (migration.applied, migration.known) {
            (true, true) => "applied",
            (true, false) => "applied by a newer version",
            (false, _) => "pending",
        };
        say(&format!("{:<40} {state}", migration.name))?;
    }
    Ok(())
}
