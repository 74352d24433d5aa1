//! On a real OpenStack on Ceph, made by `make cloud`:
//! `FIRN_CLOUD=$PWD/build/cloud cargo nextest run --profile cloud`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod ground;
mod instance;
mod network;
mod rebuild;
mod servers;
mod snapshots;
mod storage;
mod volumes;
