//! Tests over the service as operators run it: API, conductors and agents as processes of their
//! own, on a real Keystone, RabbitMQ, MariaDB and PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "shown where a test fails")]

mod broker;
mod databases;
mod drain;
mod isolation;
mod keystone;
mod limits;
mod messages;
mod notifications;
mod queue;
mod request_ids;
mod secrets;
mod systemd;
mod takeover;
mod tap;
mod world;
