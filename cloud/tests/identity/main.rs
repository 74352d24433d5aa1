//! Trusts and registration, on a real Keystone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cloud;
mod register;
mod trusts;
