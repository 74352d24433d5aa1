//! Against a real Keystone. Run with `python3 -m ground run keystone -- …`, see the README.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answers;
mod cloud;
mod concurrency;
mod delegation;
mod expiry;
mod middleware;
mod outage;
mod revocation;
mod secrets;
mod service_tokens;
mod session;
mod tls;
mod tokens;
