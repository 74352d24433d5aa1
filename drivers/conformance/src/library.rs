//! Finding a driver's library in a test, and putting it where the host takes it from.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// A folder with one driver's library, as an operator installs it; removed when dropped.
#[derive(Debug)]
pub struct StagedLibrary {
    folder: tempfile::TempDir,
}

impl StagedLibrary {
    /// The `driver_path`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts `library` there as `libfirn_driver_<name>.so`, with the mode that the host asks for.
    ///
    /// # Errors
    /// Where it cannot be copied.
    pub fn new(name: &str, library: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join(file_name(name));
        fs::copy(library, &target)?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644))?;
        Ok(Self { folder })
    }
}

/// Stages the library of the driver `name`, as cargo built it for the running test.
///
/// The driver's crate is the tested crate or a dev-dependency of it, with the crate types `cdylib`
/// and `rlib`: cargo then builds the library before the test, into the folder of the test's own
/// executable or the one above.
///
/// # Errors
/// Where it is not there.
pub fn stage(name: &str) -> io::Result<StagedLibrary> {
    StagedLibrary::new(name, &built(name)?)
}

fn built(name: &str) -> io::Result<PathBuf> {
    let executable = env::current_exe()?;
    let folders = executable.ancestors().skip(1).take(2);
    let tried: Vec<_> = folders.map(|folder| folder.join(file_name(name))).collect();
    tried.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("none of {tried:?} exists: make its crate a cdylib and a dev-dependency"),
        )
    })
}

fn file_name(name: &str) -> String {
    format!("libfirn_driver_{name}.so")
}
