//! What a healthy cloud does not show: services that fail, hang, answer nonsense or are too old.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answers;
mod identity;
mod pages;
mod rebuild;
mod scripted;
mod versions;
mod waiting;
