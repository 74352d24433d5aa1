//! The worker process: one data move, away from the service. See
//! `docs/adr/0002-worker-process-per-data-move.md`.

mod backup;
mod changes;
mod disks;
mod error;
mod link;
mod main;
mod process;
pub mod protocol;
mod repository;
mod restore;
mod revert;
mod shares;
mod throttle;
mod verify;

pub use main::main;
pub use process::{Watch, WorkerCommand, WorkerError};
pub use shares::Bandwidth;
pub(crate) use shares::Share;
