//! Every query, on a freshly migrated database a test, on SQLite, MariaDB and PostgreSQL.
//!
//! The servers are those of the test ground:
//! `PYTHONPATH=tests python3 -m ground run mariadb,postgresql -- cargo nextest run -p firn-db`.

// Helpers of tests may panic as tests do; clippy's own exemption knows only `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bases;
mod claims;
mod contention;
mod crash;
mod engines;
mod finish;
mod isolation;
mod journal;
mod leases;
mod model;
mod pages;
mod places;
mod plan_runs;
mod plans;
mod points;
mod purge;
mod quotas;
mod repositories;
mod requests;
mod restores;
mod schema;
mod services;
mod support;
mod tls;
mod trouble;
mod upgrade;
