//! `firn-manage db purge`.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use firn_db::{Database, Purged, purge_batch};

use crate::say;

/// Between two batches others get their turn.
const PAUSE: Duration = Duration::from_millis(20);

/// What is old.
#[derive(Args, Debug)]
pub struct Purge {
    /// Remove what ended more than that many days ago: jobs with their journals and messages,
    /// restores (not those to files, whose names are taken), runs of plans. Restore points are
    /// never touched
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Rows of a kind that one transaction removes
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
}

/// Removes it, batch by batch; may be broken off at any time and run again.
///
/// # Errors
/// What the database answers.
pub fn run(options: &Purge, database: &Database, now: DateTime<Utc>) -> anyhow::Result<()> {
    let age = TimeDelta::days(options.days.into());
    let before = now.checked_sub_signed(age).context("that long ago there was nothing")?;
    let mut total = Purged::default();
    loop {
        let purged = database.run_blocking(|conn| purge_batch(conn, before, options.batch))?;
        if purged == Purged::default() {
            break;
        }
        total += purged;
        std::thread::sleep(PAUSE);
    }
    for (count, what) in [
        (total.jobs, "jobs"),
        (total.job_steps, "steps of jobs"),
        (total.job_events, "messages of jobs"),
        (total.restores, "restores"),
        (total.plan_runs, "runs of plans"),
        (total.plan_run_events, "messages of runs"),
    ] {
        say(&format!("{what}: {count} removed"))?;
    }
    Ok(())
}
