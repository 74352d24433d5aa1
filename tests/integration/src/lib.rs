//! Harness for tests over the built `firn` program: a folder for each test, virtual machines with
//! real disks, the service as a child process, its API, and a check that nothing is left behind.
//!
//! Invariants:
//! - it knows the program only from outside: command line, HTTP, files and the process table;
//! - whatever a test does, its folder and every process of it are gone when it ends.
//!
//! It must not know any crate of Firn's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a harness fails by panicking, and a failed test prints the service's log"
)]

mod api;
mod cluster;
mod content;
mod fingerprint;
mod ground;
mod http;
mod keystone;
mod leftovers;
mod machine;
mod processes;
mod program;
mod service;
mod tools;
mod wait;
mod wire;

pub use api::{Api, Backup, Job, MIB};
pub use cluster::{Backing, Cluster};
pub use content::{Content, random_seed};
pub use fingerprint::Fingerprint;
pub use ground::Ground;
pub use http::{Answer, exchange, request};
pub use keystone::{Keystone, User};
pub use leftovers::nothing_left;
pub use machine::{Change, Disk, Format, Machine, Truth};
pub use processes::{alive, children, kill, reads};
pub use program::{firn, program};
pub use rand;
pub use rustix::process::Signal;
pub use service::{Service, ServiceOptions};
pub use tools::{output, run};
pub use wait::{until, within};
pub use wire::Wire;
