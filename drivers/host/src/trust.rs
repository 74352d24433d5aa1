//! Whose library is loaded: it runs with all our rights.
#![allow(unsafe_code)] // Asks for the effective user id.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::LoadError;

/// The one file below `folder` that is the library of `name`, after all symbolic links.
///
/// # Errors
/// Where the name is not a name, or anybody but root and this user could have written the file.
pub(crate) fn trusted_library(folder: &Path, name: &str) -> Result<PathBuf, LoadError> {
    if name.is_empty()
        || name.len() > 64
        || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    {
        return Err(LoadError::BadName { name: name.to_owned() });
    }
    let path = folder.join(format!("libfirn_driver_{name}.so"));
    let library = path.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LoadError::Missing { name: name.to_owned(), path },
        _ => LoadError::Unreadable { path, source },
    })?;
    let us = effective_user();
    let file = look_at(&library)?;
    if !file.is_file() {
        return Err(untrusted(&library, "it is not a plain file".to_owned()));
    }
    writable_by_us_alone(&library, &file, us)?;
    // Who can write to the folder can replace the file between this look and the load. That goes
    // for the link's folder as well as for the file's.
    for folder in [Some(folder), library.parent()].into_iter().flatten() {
        writable_by_us_alone(folder, &look_at(folder)?, us)?;
    }
    Ok(library)
}

fn look_at(path: &Path) -> Result<Metadata, LoadError> {
    fs::metadata(path).map_err(|source| LoadError::Unreadable { path: path.to_path_buf(), source })
}

fn writable_by_us_alone(path: &Path, metadata: &Metadata, us: u32) -> Result<(), LoadError> {
    let owner = metadata.uid();
    if owner != 0 && owner != us {
        let problem = format!("user {owner} owns it; make root its owner (chown root)");
        return Err(untrusted(path, problem));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        let problem = format!("others can write to it (mode {mode:04o}); run chmod go-w on it");
        return Err(untrusted(path, problem));
    }
    Ok(())
}

fn untrusted(path: &Path, problem: String) -> LoadError {
    LoadError::Untrusted { path: path.to_path_buf(), problem }
}

fn effective_user() -> u32 {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libfirn_driver_x.so");
        fs::write(&library, "").unwrap();
        set_mode(&library, 0o644);
        (folder, library)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn problem(folder: &Path) -> String {
        match trusted_library(folder, "x") {
            Err(LoadError::Untrusted { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn our_own_file_is_trusted() {
        let (folder, library) = folder();
        assert_eq!(trusted_library(folder.path(), "x").unwrap(), library.canonicalize().unwrap());
    }

    #[test]
    fn names_cannot_lead_elsewhere() {
        let (folder, _) = folder();
        let long = "x".repeat(65);
        for name in ["", "../x", "x/y", "X", "x.so", "x\0", "ü", "-x", " x", &long] {
            let error = trusted_library(folder.path(), name).unwrap_err();
            assert!(matches!(error, LoadError::BadName { .. }), "{name:?}: {error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let (folder, _) = folder();
        let error = trusted_library(folder.path(), "y").unwrap_err();
        assert!(matches!(error, LoadError::Missing { .. }));
        assert!(error.to_string().contains("libfirn_driver_y.so"), "{error}");
    }

    #[test]
    fn a_file_or_folder_that_others_write_to_is_refused() {
        for mode in [0o664, 0o646, 0o666] {
            let (folder, library) = folder();
            set_mode(&library, mode);
            assert!(problem(folder.path()).contains("chmod go-w"));
        }
        let (folder, _) = folder();
        set_mode(folder.path(), 0o777);
        assert!(problem(folder.path()).contains("chmod go-w"));
    }

    #[test]
    fn the_target_of_a_link_counts() {
        let (folder, library) = folder();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("real.so");
        fs::rename(&library, &target).unwrap();
        symlink(&target, &library).unwrap();
        assert_eq!(trusted_library(folder.path(), "x").unwrap(), target.canonicalize().unwrap());
        set_mode(elsewhere.path(), 0o770);
        assert!(problem(folder.path()).contains("chmod go-w"));
    }

    #[test]
    fn a_folder_is_no_library() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("libfirn_driver_x.so")).unwrap();
        assert!(problem(folder.path()).contains("plain file"));
    }

    /// Only root can make files of another user; for anybody else the rule is checked directly.
    #[test]
    #[cfg(not(miri))] // Knows no chown.
    fn another_users_file_is_refused() {
        let (folder, library) = folder();
        if effective_user() == 0 {
            std::os::unix::fs::chown(&library, Some(12345), None).unwrap();
            assert!(problem(folder.path()).contains("user 12345 owns it"));
        } else {
            let metadata = look_at(&library).unwrap();
            let error =
                writable_by_us_alone(&library, &metadata, effective_user() + 1).unwrap_err();
            assert!(error.to_string().contains("owns it"), "{error}");
        }
    }
}
