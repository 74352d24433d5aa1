//! The committed C header is the one that this crate's types make, and a C compiler takes it.
//!
//! To renew it after a change: `FIRN_RENEW_HEADER=1 cargo test -p firn-driver-abi --test header`.
#![cfg(not(miri))]
#![allow(clippy::unwrap_used)] // Helpers of tests.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: [&str; 8] = [
    "lib.rs",
    "text.rs",
    "extents.rs",
    "status.rs",
    "host.rs",
    "disk.rs",
    "driver.rs",
    "extension.rs",
];

const NAMES: [(&str, &str); 16] = [
    ("Str", "firn_str"),
    ("Text", "firn_text"),
    ("Extent", "firn_extent"),
    ("Extents", "firn_extents"),
    ("Status", "firn_status"),
    ("ErrorReport", "firn_error"),
    ("Host", "firn_host"),
    ("Descriptor", "firn_descriptor"),
    ("Probe", "firn_probe"),
    ("OpenRequest", "firn_open_request"),
    ("ReadRequest", "firn_read_request"),
    ("DriverHandle", "firn_driver"),
    ("DriverVtable", "firn_driver_vtable"),
    ("DiskHandle", "firn_disk"),
    ("DiskVtable", "firn_disk_vtable"),
    ("EntryFn", "firn_entry_fn"),
];

const EXTENSIONS: [(&str, &str); 5] = [
    ("WriteExtension", "firn_write_extension"),
    ("ChangesExtension", "firn_changes_extension"),
    ("SnapshotsExtension", "firn_snapshots_extension"),
    ("ConnectionsExtension", "firn_connections_extension"),
    ("RemovalExtension", "firn_removal_extension"),
];

const INTRODUCTION: &str = "\
/* Firn storage drivers: the C ABI. docs/DRIVERS.md tells how to write a driver.
 *
 * Made from the Rust crate firn-driver-abi; do not edit.
 *
 * Rules:
 *  - A struct that begins with struct_size may grow at its end. Its maker sets struct_size to the
 *    sizeof it was compiled with; a field beyond it counts as zero, a NULL function as absent.
 *  - Inputs are borrowed: valid during the call, not longer. Strings are UTF-8 with a length and
 *    without a zero byte at the end.
 *  - Every output carries the function that releases it. Nothing that one side allocated is freed
 *    by the other.
 *  - Outputs count only where the call returns FIRN_OK, out_error only where it does not.
 *  - Every function may be called from any thread, several at once.
 *  - Nothing may unwind (no C++ exception, no longjmp) out of a function.
 */

#ifndef FIRN_DRIVER_H
#define FIRN_DRIVER_H";

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Type,
        cpp_compat: true,
        header: Some(INTRODUCTION.to_owned()),
        no_includes: true,
        sys_includes: ["stddef.h", "stdint.h", "stdlib.h", "string.h"].map(str::to_owned).to_vec(),
        usize_is_size_t: true,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        line_length: 90,
        tab_width: 2,
        trailer: Some(trailer(root)),
        ..cbindgen::Config::default()
    };
    for (rust, c) in NAMES.into_iter().chain(EXTENSIONS) {
        config.export.include.push(rust.to_owned());
        config.export.rename.insert(rust.to_owned(), c.to_owned());
    }
    config.export.exclude = vec!["ENTRY_SYMBOL".to_owned(), "MAX_STRUCT_SIZE".to_owned()];

    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join("src").join(source));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

/// What cbindgen cannot make: ids, which are strings, and helpers for C.
fn trailer(root: &Path) -> String {
    let ids = [
        ("WRITE", firn_driver_abi::FIRN_EXTENSION_WRITE),
        ("CHANGES", firn_driver_abi::FIRN_EXTENSION_CHANGES),
        ("SNAPSHOTS", firn_driver_abi::FIRN_EXTENSION_SNAPSHOTS),
        ("CONNECTIONS", firn_driver_abi::FIRN_EXTENSION_CONNECTIONS),
        ("REMOVAL", firn_driver_abi::FIRN_EXTENSION_REMOVAL),
    ];
    let mut text = String::from("/* The ids that get_extension is asked for. */\n");
    for (name, id) in ids {
        text += &format!("#define FIRN_EXTENSION_{name} \"{id}\"\n");
    }
    text + &std::fs::read_to_string(root.join("include/helpers.h.in")).unwrap()
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include/firn_driver.h")
}

#[test]
fn the_committed_header_is_current() {
    let generated = generated();
    if std::env::var_os("FIRN_RENEW_HEADER").is_some() {
        std::fs::write(committed(), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(committed()).unwrap();
    if let Some((at, (old, new))) = committed
        .lines()
        .zip(generated.lines())
        .enumerate()
        .find(|(_, (committed, generated))| committed != generated)
    {
        panic!(
            "firn_driver.h differs from the crate at line {}:\n  committed {old}\n  generated {new}\n\
             renew it with FIRN_RENEW_HEADER=1",
            at + 1
        );
    }
    assert_eq!(committed, generated, "renew the header with FIRN_RENEW_HEADER=1");
}

/// Compiles a program that asserts the same sizes that `layout.rs` does.
fn compiles_as(compiler: &str, standard: &str, suffix: &str) {
    let dir = std::env::temp_dir().join(format!("firn-header-{}-{suffix}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let source = dir.join(format!("layout.{suffix}"));
    let assertion = if suffix == "c" { "_Static_assert" } else { "static_assert" };
    let sizes = [
        ("firn_str", size_of::<firn_driver_abi::Str>()),
        ("firn_text", size_of::<firn_driver_abi::Text>()),
        ("firn_extents", size_of::<firn_driver_abi::Extents>()),
        ("firn_error", size_of::<firn_driver_abi::ErrorReport>()),
        ("firn_host", size_of::<firn_driver_abi::Host>()),
        ("firn_descriptor", size_of::<firn_driver_abi::Descriptor>()),
        ("firn_probe", size_of::<firn_driver_abi::Probe>()),
        ("firn_open_request", size_of::<firn_driver_abi::OpenRequest>()),
        ("firn_read_request", size_of::<firn_driver_abi::ReadRequest>()),
        ("firn_driver_vtable", size_of::<firn_driver_abi::DriverVtable>()),
        ("firn_disk_vtable", size_of::<firn_driver_abi::DiskVtable>()),
        ("firn_write_extension", size_of::<firn_driver_abi::WriteExtension>()),
        ("firn_changes_extension", size_of::<firn_driver_abi::ChangesExtension>()),
        ("firn_snapshots_extension", size_of::<firn_driver_abi::SnapshotsExtension>()),
        ("firn_connections_extension", size_of::<firn_driver_abi::ConnectionsExtension>()),
        ("firn_removal_extension", size_of::<firn_driver_abi::RemovalExtension>()),
    ];
    let mut program = String::from("#include \"firn_driver.h\"\n");
    for (name, size) in sizes {
        program += &format!("{assertion}(sizeof({name}) == {size}, \"{name}\");\n");
    }
    std::fs::write(&source, program).unwrap();
    let output = Command::new(compiler)
        .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o"])
        .arg(dir.join("layout.o"))
        .arg("-I")
        .arg(committed().parent().unwrap())
        .arg(&source)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {compiler} ({error}): install gcc and g++"));
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_c_compiler_takes_the_header() {
    compiles_as("cc", "-std=c11", "c");
}

#[test]
fn a_cxx_compiler_takes_the_header() {
    compiles_as("c++", "-std=c++17", "cpp");
}
