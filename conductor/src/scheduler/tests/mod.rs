//! Schedulers on a real database, with a clock, a cloud and an identity service that tests move.

// Helpers of tests may panic as tests do; clippy's own exemption knows only `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod chaos;
mod decisions;
mod leaders;
mod runs;
mod world;
