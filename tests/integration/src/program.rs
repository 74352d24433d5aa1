use std::env;
use std::path::{Path, PathBuf};

/// The built `firn`: `FIRN_BIN`, or where `make build` leaves it.
pub fn firn() -> PathBuf {
    let built = || {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
            PathBuf::from,
        );
        target.join("release/firn")
    };
    existing(env::var_os("FIRN_BIN").map_or_else(built, PathBuf::from))
}

/// Another built program; they all lie beside `firn`.
pub fn program(name: &str) -> PathBuf {
    existing(firn().with_file_name(name))
}

fn existing(path: PathBuf) -> PathBuf {
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}: run `make build` first", path.display()))
}
