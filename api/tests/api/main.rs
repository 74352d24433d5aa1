//! The service as its clients meet it: real SQLite, in-process messages, a conductor that answers
//! questions; jobs are ended by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panic, too")]

mod conventions;
mod harness;
mod hostile;
mod instances;
mod isolation;
mod jobs;
mod options;
mod plans;
mod policy;
mod quotas;
mod restore_points;
mod restores;
mod server;
mod services;
mod system;
