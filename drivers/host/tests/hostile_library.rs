//! Libraries that are no good drivers, compiled here and loaded as any other.
#![allow(clippy::unwrap_used)] // Helpers of tests.
#![cfg(not(miri))]

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use firn_driver_host::{DriverSet, DriverState, LoadError, LoadedDriver};
use firn_driver_sdk::{Config, Driver};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Compiles C to a library of this file name.
    fn compile(&self, file: &str, source: &str, options: &[&str]) -> PathBuf {
        let library = self.path().join(file);
        let text = self.path().join(format!("{file}.c"));
        fs::write(&text, source).unwrap();
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi/include");
        let output = Command::new("cc")
            .args(["-std=c11", "-fPIC", "-shared", "-o"])
            .args([&library, &text])
            .arg("-I")
            .arg(include)
            .args(options)
            .output()
            .unwrap_or_else(|error| panic!("cannot run cc ({error}): install gcc"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::set_permissions(&library, Permissions::from_mode(0o644)).unwrap();
        library
    }

    fn driver(&self, name: &str, source: &str, options: &[&str]) -> PathBuf {
        self.compile(&format!("libfirn_driver_{name}.so"), source, options)
    }

    fn load(&self, name: &str) -> LoadError {
        LoadedDriver::load(self.path(), name, &Config::default()).unwrap_err()
    }
}

const ENTRY: &str = r#"
    #include "firn_driver.h"
    FIRN_EXPORT firn_status firn_driver_entry(uint32_t version, const firn_host *host,
                                              const firn_driver_vtable **table, firn_error *error) {
      (void)host;
"#;

#[test]
fn a_library_without_entry_is_no_driver() {
    let folder = Folder::new();
    folder.driver("x", "int nothing;", &[]);
    assert!(matches!(folder.load("x"), LoadError::NoEntry { .. }));
}

#[test]
fn a_file_that_is_no_library_is_refused() {
    let folder = Folder::new();
    fs::write(folder.path().join("libfirn_driver_x.so"), "#!/bin/sh\n".repeat(1000)).unwrap();
    let error = folder.load("x");
    assert!(matches!(error, LoadError::Library { .. }), "{error}");
    assert!(error.chain().contains("invalid ELF header"), "{}", error.chain());
}

#[test]
fn a_missing_system_library_is_named() {
    let folder = Folder::new();
    let needed = folder.compile(
        "libmissing.so.3",
        "int missing(void) { return 1; }",
        &["-Wl,-soname,libmissing.so.3"],
    );
    let source = "int missing(void); int use(void) { return missing(); }";
    folder.driver("x", source, &[needed.to_str().unwrap()]);
    fs::remove_file(needed).unwrap();
    match folder.load("x") {
        LoadError::MissingDependency { library, .. } => assert_eq!(library, "libmissing.so.3"),
        other => panic!("{}", other.chain()),
    }
}

#[test]
fn a_missing_symbol_is_found_at_load() {
    let folder = Folder::new();
    folder.driver("x", "int missing(void); int use(void) { return missing(); }", &[]);
    let error = folder.load("x");
    assert!(error.chain().contains("undefined symbol: missing"), "{}", error.chain());
}

#[test]
fn an_entry_that_gives_nothing_is_refused() {
    let folder = Folder::new();
    let nothing = format!("{ENTRY} (void)version; (void)table; (void)error; return FIRN_OK; }}");
    folder.driver("x", &nothing, &[]);
    assert!(folder.load("x").chain().contains("null pointer"));
}

#[test]
fn a_refusal_is_passed_on() {
    let folder = Folder::new();
    let refuses = format!(
        "{ENTRY} (void)table; return version == 1 ? \
         firn_fail(error, FIRN_UNSUPPORTED, \"this driver wants a host of 2030\") : FIRN_OK; }}"
    );
    folder.driver("x", &refuses, &[]);
    let error = folder.load("x");
    let chain = "the driver x refuses this host: this driver wants a host of 2030";
    assert_eq!(error.chain(), chain);
}

#[test]
fn a_table_of_zeroes_is_refused() {
    let folder = Folder::new();
    let zeroes = format!(
        "{ENTRY} (void)version; (void)error; static firn_driver_vtable zero; *table = &zero; \
         return FIRN_OK; }}"
    );
    folder.driver("x", &zeroes, &[]);
    assert!(folder.load("x").chain().contains("struct_size is 0"));
    let sized = format!(
        "{ENTRY} (void)version; (void)error; static firn_driver_vtable zero = \
         {{ .struct_size = sizeof zero, .abi_version = FIRN_ABI_VERSION }}; *table = &zero; \
         return FIRN_OK; }}"
    );
    folder.driver("y", &sized, &[]);
    assert!(folder.load("y").chain().contains("bad descriptor table"));
}

/// One bad driver does not take the others with it, whatever its fault.
#[test]
fn a_set_disables_the_bad_and_keeps_the_good() {
    let folder = Folder::new();
    folder.driver("noentry", "int nothing;", &[]);
    let writable = folder.driver("writable", "int nothing;", &[]);
    fs::set_permissions(&writable, Permissions::from_mode(0o666)).unwrap();
    let target = std::env::current_exe().unwrap();
    let built = target.with_file_name("libfirn_driver_memory.so");
    let good = folder.path().join("libfirn_driver_memory.so");
    fs::copy(built, &good).unwrap();
    fs::set_permissions(&good, Permissions::from_mode(0o644)).unwrap();

    let enabled = ["noentry", "writable", "../../etc/passwd", "absent", "memory"];
    let configs =
        HashMap::from([("memory".to_owned(), Config(serde_json::json!({ "medium": "set" })))]);
    let set = DriverSet::load(folder.path(), &enabled.map(str::to_owned), &configs);
    let reasons: Vec<_> = set
        .drivers()
        .iter()
        .map(|entry| match &entry.state {
            DriverState::Loaded(driver) => format!("loaded {}", driver.descriptor().name),
            DriverState::Disabled { reason } => reason.chain(),
        })
        .collect();
    let words = [
        "exports no firn_driver_entry",
        "run chmod go-w",
        "is not a driver's name",
        "does not exist: install the driver absent",
        "loaded memory",
    ];
    assert_eq!(reasons.len(), words.len());
    for (reason, words) in reasons.iter().zip(words) {
        assert!(reason.contains(words), "{reason}");
    }
    assert!(set.get("memory").is_ok());
    let error = set.get("writable").err().unwrap();
    assert_eq!(error.to_string(), "the driver writable is disabled");
    assert!(error.chain().contains("chmod"));
}
