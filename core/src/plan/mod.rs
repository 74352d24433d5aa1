//! Plans: what is backed up when, and how long it is kept.
//!
//! [`PlanSettings`] is what an owner chooses and [`Plan`] the whole of it, both in exactly the
//! API's JSON form. Everything that has to be decided about a plan is a pure function here:
//! - [`Timetable`]: when a [`Schedule`] is due, with time zones, windows and jitter;
//! - [`Retention::select`]: which points are kept, and why;
//! - [`Selector::matches`]: which instances are meant;
//! - [`next_mode`]: whether the next point is a full one.

mod cron;
mod error;
mod glob;
mod mode;
mod retention;
mod run;
mod schedule;
mod selector;
mod settings;
mod status;
mod timetable;

pub use cron::{Cron, CronError};
pub use error::PlanError;
pub use glob::{Glob, GlobError};
pub use mode::next_mode;
pub use retention::{Candidate, KeepReason, Retention, Standing, Verdict};
pub use run::{RunState, RunTally, RunTrigger};
pub use schedule::Schedule;
pub use selector::{InstanceFacts, MetadataTag, Selector};
pub use settings::{Plan, PlanPatch, PlanSettings};
pub use status::{PlanEvent, PlanStatus};
pub use timetable::{Due, NextRun, Timetable};
