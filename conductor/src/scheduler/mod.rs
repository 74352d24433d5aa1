//! Runs plans when they are due.
//!
//! Every conductor has a scheduler, and one at a time leads: who holds the lease `scheduler`. A
//! turn of the leader:
//! 1. starts runs that were asked for, and runs whose time has come;
//! 2. ends runs whose jobs have ended, and asks for the removal of what retention keeps no longer.
//!
//! Nothing happens twice or not at all when leaders change, because
//! - a run's row, its points, its jobs and the plan's next time are one transaction, which holds
//!   the lease and fails where it is another's;
//! - the plan's row says what was dealt with: whoever leads next reads it, and makes up for
//!   missed runs once;
//! - messages only wake dispatchers, which also look into the database by themselves.
//!
//! What is decided is decided by pure functions in [`decide`]; the rest is asking and writing.

mod clock;
mod decide;
mod finish;
mod leader;
mod resolve;
mod start;
mod turn;
mod wake;

pub(crate) use clock::SystemClock;
pub(crate) use turn::{Scheduler, Settings, run};
pub(crate) use wake::QueueWaker;

#[cfg(test)]
mod tests;
