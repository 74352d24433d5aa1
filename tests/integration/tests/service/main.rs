//! Tests over the built `firn` program. Every test ends with the check that nothing is left.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "shown where a test fails")]

mod cancel;
mod command_line;
mod crash;
mod damage;
mod domain_folder;
mod full_disk;
mod hostile_api;
mod hostile_wire;
mod in_use;
mod incremental;
mod plans;
mod round_trip;
mod shared_base;
mod shutdown;
mod state_folder;
