//! Who may import whom: the rule of `docs/ARCHITECTURE.md`, read from `cargo metadata`.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Normal and build dependencies inside the workspace that each crate may have.
const ALLOWED: &[(&str, &[&str])] = &[
    ("firn-core", &[]),
    ("firn-driver-abi", &[]),
    ("firn-driver-sdk", &["firn-core", "firn-driver-abi"]),
    ("firn-driver-host", &["firn-core", "firn-driver-abi", "firn-driver-sdk"]),
    ("firn-driver-conformance", &["firn-core", "firn-driver-sdk"]),
    ("firn-driver-ceph", &["firn-driver-sdk"]),
    ("firn-driver-file", &["firn-driver-sdk"]),
    ("firn-driver-memory", &["firn-driver-sdk"]),
    ("firn-repository", &["firn-core"]),
    ("firn-db", &["firn-core", "oslo-config"]),
    ("oslo-config", &[]),
    ("oslo-messaging", &[]),
    ("oslo-policy", &[]),
    ("firn-cloud", &["firn-core", "keystone-middleware-rs", "oslo-config"]),
    ("keystone-middleware-rs", &[]),
    ("firn-service", &["oslo-config", "oslo-messaging"]),
    ("firn-agent", &["firn-core", "firn-service", "oslo-config", "oslo-messaging"]),
    (
        "firn-manage",
        &[
            "firn-cloud",
            "firn-core",
            "firn-db",
            "firn-repository",
            "firn-service",
            "keystone-middleware-rs",
            "oslo-config",
        ],
    ),
    (
        "firn-api",
        &[
            "firn-cloud",
            "firn-core",
            "firn-db",
            "firn-service",
            "keystone-middleware-rs",
            "oslo-config",
            "oslo-messaging",
            "oslo-policy",
        ],
    ),
    (
        "firn-conductor",
        &[
            "firn-agent",
            "firn-cloud",
            "firn-core",
            "firn-db",
            "firn-driver-host",
            "firn-driver-sdk",
            "firn-repository",
            "firn-service",
            "oslo-config",
            "oslo-messaging",
        ],
    ),
    (
        "firn",
        &[
            "firn-agent",
            "firn-api",
            "firn-cloud",
            "firn-conductor",
            "firn-core",
            "firn-db",
            "firn-repository",
            "oslo-messaging",
        ],
    ),
];

/// Crates that only test: anything may be used there, and nothing but tests may use them.
const TEST_ONLY: &[&str] = &["firn-ground", "firn-integration-tests"];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Crate name → the workspace crates it depends on outside its tests.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<_> =
        packages.iter().map(|package| text(package, "name").to_owned()).collect();
    let depends = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        dependencies
            .iter()
            .filter(|dependency| text(dependency, "kind") != "dev")
            .map(|dependency| text(dependency, "name").to_owned())
            .filter(|name| ours.contains(name))
            .collect()
    };
    packages.iter().map(|package| (text(package, "name").to_owned(), depends(package))).collect()
}

#[test]
fn crates_import_only_what_the_design_allows() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(name, may)| (*name, may.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (name, depends) in edges() {
        if TEST_ONLY.contains(&name.as_str()) {
            continue;
        }
        let Some(may) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} has no row in this test's table"));
            continue;
        };
        for target in depends.iter().filter(|target| !may.contains(target.as_str())) {
            wrong.push(format!("{name} must not import {target}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_only_crates_that_exist() {
    let edges = edges();
    let gone: Vec<_> =
        ALLOWED.iter().map(|row| row.0).filter(|name| !edges.contains_key(*name)).collect();
    assert!(gone.is_empty(), "no such crate: {gone:?}");
}
