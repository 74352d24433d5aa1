//! The transport over RabbitMQ, with real brokers: one that all tests share for what is gentle, and
//! brokers of their own for tests that kill, freeze or cut.

// Helpers of tests may panic as tests do; clippy's own exemption knows only `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bounds;
mod calls;
mod conformance;
mod connect;
mod harness;
mod notifications;
mod outage;
mod proxy;
mod speed;
