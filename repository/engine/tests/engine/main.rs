//! The engine as its callers see it.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // Helpers of tests.

mod crash;
mod damage;
mod golden;
mod model;
mod sessions;
mod support;
