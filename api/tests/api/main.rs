//! The service as its clients meet it: real SQLite, in-process messages, a conductor that answers
//! questions; jobs are ended by hand.

mod harness;
mod hostile;
mod instances;
mod jobs;
mod restore_points;
mod restores;
mod server;
mod system;
