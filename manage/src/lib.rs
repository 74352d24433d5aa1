//! What an operator does to a Firn service beside its API: makes and upgrades the database, makes
//! the repository, registers the service in the catalog, checks whether an upgrade may go on.
//!
//! Invariants:
//! - every command may be run twice: what is done already is left alone, and said;
//! - nothing is deleted that was not named;
//! - what is printed holds no secret.
//!
//! It must not know of jobs, HTTP or drivers.

pub mod catalog;
pub mod db;
pub mod purge;
pub mod repository;
mod say;
pub mod status;

pub use say::say;
