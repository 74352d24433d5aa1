//! Compiling C drivers.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // Helpers of tests; not each uses all.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `source` to a shared library in `folder`.
pub fn compile(source: &Path, folder: &Path, options: &[&str]) -> PathBuf {
    let output = folder.join("driver.so");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi/include");
    let result = Command::new("cc")
        .args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"])
        .args(["-fPIC", "-shared", "-fvisibility=hidden", "-I"])
        .arg(include)
        .arg("-o")
        .arg(&output)
        .arg(source)
        .args(options)
        .output()
        .unwrap_or_else(|error| panic!("cannot run cc ({error}): install gcc"));
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    output
}
