//! Takes jobs from the database, runs them as sagas and moves data in worker processes.
//!
//! Invariants:
//! - the database row is the truth, a message is only a wake-up: a lost or repeated one changes
//!   nothing but when a job starts;
//! - a job's row is written only under the generation of its newest claim: a conductor that lost
//!   the lease can write nothing;
//! - a restore point becomes visible only after the lease was renewed for that purpose;
//! - whatever a job did is undone when it does not come to its end, and every do and undo may
//!   meet its own half-done earlier attempt;
//! - a plan's run appears once, whoever schedules, with all its jobs or not at all;
//! - drivers run in a worker process as soon as data moves: their crash is an error of one step.
//!
//! It must not know of HTTP, of users' rights, of any particular cloud or storage, but for the options
//! that it hands on to them and for what agents tell of Ceph clusters.

mod agents;
mod conductor;
mod config;
mod discover;
mod dispatcher;
mod lease;
#[cfg(test)]
mod message_schemas;
mod notify;
mod options;
mod places;
mod presence;
mod reconcile;
mod repository;
mod request;
mod requests;
mod runner;
mod saga;
mod scheduler;
mod services;
mod stop;
mod told_clusters;
mod view;
pub mod worker;

pub use agents::AgentCloud;
pub use conductor::{Conductor, Shutdown};
pub use config::ConductorConfig;
pub use options::{CephOptions, ConductorOptions, StorageOptions};
pub use request::current as current_request;
pub use services::CloudAccess;
pub use told_clusters::ToldClusters;
