use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use oslo_config::Config;

use super::{Check, Finding};

const NAME: &str = "Storage Drivers";

/// Whether the drivers that `[storage]` names are there and nobody but their owner can change
/// them. Loading them is the conductors' business. Where nothing is named there is nothing to check.
pub(super) fn check(config: &Config) -> Check {
    let Some(section) = config.raw("storage") else { return Check::success(NAME) };
    let (Some(folder), Some(names)) = (section.get("driver_path"), section.get("enabled_drivers"))
    else {
        return Check::success(NAME);
    };
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let said: Vec<_> = names.filter_map(|name| trouble(Path::new(folder), name)).collect();
    // A driver that is missing is disabled; and this host may run no conductor.
    Check::of(NAME, Finding::Warning, &said)
}

fn trouble(folder: &Path, name: &str) -> Option<String> {
    let path = folder.join(format!("libfirn_driver_{name}.so"));
    let found = match std::fs::metadata(&path) {
        Ok(found) => found,
        Err(error) => return Some(format!("{name} is enabled, and {}: {error}", path.display())),
    };
    if !found.is_file() {
        return Some(format!("{} is not a file", path.display()));
    }
    let ours = std::fs::metadata(folder).map_or(0, |folder| folder.uid());
    if found.permissions().mode() & 0o022 != 0 || found.uid() != ours {
        return Some(format!("{} can be changed by others: chmod go-w, chown", path.display()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_open_to_others_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libfirn_driver_file.so");
        assert!(trouble(folder.path(), "file").unwrap().contains("file is enabled"));
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(trouble(folder.path(), "file"), None);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o775)).unwrap();
        assert!(trouble(folder.path(), "file").unwrap().contains("changed by others"));
    }
}
