//! Real servers for tests: RabbitMQ, MariaDB, PostgreSQL, Keystone and Ceph.
//!
//! The servers are started by the Python package in this folder (`python3 -m ground`). Tests that
//! are gentle with a server [share](shared) the ones that the test run started; a test that kills
//! or freezes one starts [its own](Server).
//!
//! It panics where something is missing: a test that cannot run has failed.

mod server;

pub use server::Server;

use serde_json::Value;

/// Names the file that tells where the shared servers are.
const VARIABLE: &str = "FIRN_GROUND";

/// How to reach a server that all tests of this run share: `"rabbitmq"`, `"mariadb"`,
/// `"postgresql"`, `"keystone"` or `"ceph"`. The keys are those of the server's `info` in this folder.
///
/// # Panics
/// When the run has no such server.
pub fn shared(name: &str) -> Value {
    let hint = format!(
        "no {name} to test with: use `make test`, or from the project's folder \
         `PYTHONPATH=tests python3 -m ground run {name} -- cargo nextest run ...`"
    );
    let path = std::env::var(VARIABLE).unwrap_or_else(|_| panic!("{hint}"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let servers: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    match servers.get(name) {
        Some(server) => server.clone(),
        None => panic!("{hint}"),
    }
}
