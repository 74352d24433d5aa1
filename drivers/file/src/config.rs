use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use firn_driver_sdk::{Config, DriverError};
use serde::Deserialize;

/// The driver's section of `firn.conf`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where the short-lived folders of `qemu-nbd` sockets are made. Must exist.
    pub(crate) runtime_dir: PathBuf,
    /// Folders that every file of a disk must lie in, symbolic links resolved. Empty: disks may
    /// lie anywhere, and a backing file that nobody named only in the disk's own folder.
    pub(crate) allowed_paths: Vec<PathBuf>,
    /// The program, by path or by a name to be found in `PATH`.
    pub(crate) qemu_nbd: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            runtime_dir: std::env::temp_dir(),
            allowed_paths: Vec::new(),
            qemu_nbd: "qemu-nbd".into(),
        }
    }
}

impl Settings {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// `InvalidInput` for options that cannot be.
    pub(crate) fn read(config: &Config) -> Result<Self, DriverError> {
        let mut settings: Self = config.parse()?;
        for path in settings.allowed_paths.iter().chain([&settings.runtime_dir]) {
            if !path.is_absolute() {
                return Err(DriverError::invalid_input(format!(
                    "{} in the file driver's configuration must be an absolute path",
                    path.display()
                )));
            }
        }
        for path in &mut settings.allowed_paths {
            // A folder that does not exist yet allows nothing until it does.
            if let Ok(real) = fs::canonicalize(&path) {
                *path = real;
            }
        }
        Ok(settings)
    }

    /// The program's path, or what to install.
    ///
    /// # Errors
    /// `Unavailable` where there is none.
    pub(crate) fn qemu_nbd(&self) -> Result<PathBuf, DriverError> {
        let found = if self.qemu_nbd.components().count() > 1 {
            is_file(&self.qemu_nbd).then(|| self.qemu_nbd.clone())
        } else {
            let path = std::env::var_os("PATH").unwrap_or_default();
            find_in(&path, &self.qemu_nbd)
        };
        found.ok_or_else(|| {
            DriverError::unavailable(format!(
                "{} is not installed: install qemu-utils to read qcow2 disks",
                self.qemu_nbd.display()
            ))
        })
    }
}

fn find_in(path: &OsStr, name: &Path) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|path| is_file(path))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use firn_driver_sdk::ErrorKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_and_refusals() {
        let settings = Settings::read(&Config::default()).unwrap();
        assert!(settings.allowed_paths.is_empty());
        for bad in [
            json!({"allowed_path": []}),
            json!({"allowed_paths": ["images"]}),
            json!({"runtime_dir": "run"}),
            json!({"qemu_nbd": 7}),
        ] {
            let error = Settings::read(&Config(bad)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_missing_program_is_named() {
        let settings = Settings { qemu_nbd: "no-such-nbd".into(), ..Settings::default() };
        let error = settings.qemu_nbd().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("install qemu-utils"));
    }
}
