use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use firn_driver_sdk::DriverError;
use nix::libc;

use crate::identity::Identity;

/// A file that passed every check, opened.
///
/// Checks and use cannot be driven apart by somebody who exchanges a name meanwhile: the file is
/// first taken hold of without opening it (`O_PATH`), judged by what was really reached, and then
/// opened through that hold.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The open file. Never closed and opened again by name.
    pub(crate) file: File,
    /// Absolute, symbolic links resolved.
    pub(crate) path: PathBuf,
    /// A block device rather than a regular file.
    pub(crate) block: bool,
}

impl Opened {
    /// Size in bytes, as the file system or the device says now.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn size_bytes(&self) -> Result<u64, DriverError> {
        let doing = || format!("tell the size of {}", self.path.display());
        if self.block {
            use std::io::{Seek, SeekFrom};
            return (&self.file)
                .seek(SeekFrom::End(0))
                .map_err(|source| DriverError::io(doing(), source));
        }
        Ok(self.file.metadata().map_err(|source| DriverError::io(doing(), source))?.len())
    }

    /// What the file is and when it last changed.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn identity(&self) -> Result<Identity, DriverError> {
        Identity::of(&self.file)
            .map_err(|source| DriverError::io(format!("look at {}", self.path.display()), source))
    }

    /// Whether its path still leads to it, and it is unchanged since `before`.
    pub(crate) fn unchanged_since(&self, before: &Identity) -> bool {
        let same = self.identity().is_ok_and(|now| now == *before);
        same && fs::metadata(&self.path).is_ok_and(|found| before.is_file(&found))
    }
}

/// Opens an existing regular file or block device for reading, and for writing where asked.
///
/// # Errors
/// `NotFound`; `InvalidInput` for what is neither; `Forbidden` where `permitted` says no to the
/// real path, or the system does.
pub(crate) fn open(
    path: &Path,
    write: bool,
    permitted: impl FnOnce(&Path) -> Result<(), DriverError>,
) -> Result<Opened, DriverError> {
    if !path.is_absolute() {
        let message = format!("{} is not an absolute path", path.display());
        return Err(DriverError::invalid_input(message));
    }
    let failed = |source| DriverError::io(format!("open {}", path.display()), source);
    let held = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_CLOEXEC)
        .open(path)
        .map_err(failed)?;
    let kind = held.metadata().map_err(failed)?.file_type();
    if !kind.is_file() && !kind.is_block_device() {
        let message = format!("{} is neither a file nor a block device", path.display());
        return Err(DriverError::invalid_input(message));
    }
    let through = format!("/proc/self/fd/{}", held.as_raw_fd());
    let real = fs::read_link(&through).map_err(failed)?;
    permitted(&real)?;
    let file = OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
        .open(&through)
        .map_err(failed)?;
    Ok(Opened { file, path: real, block: kind.is_block_device() })
}

/// Makes a new sparse file of `size_bytes` zeros, readable by its owner alone, and makes its name
/// durable.
///
/// # Errors
/// `Conflict` where the name is taken (by whatever), `NotFound` without its folder, `Forbidden`
/// where `permitted` says no to the real path.
pub(crate) fn create(
    path: &Path,
    size_bytes: u64,
    permitted: impl FnOnce(&Path) -> Result<(), DriverError>,
) -> Result<Opened, DriverError> {
    let failed = |source| DriverError::io(format!("create {}", path.display()), source);
    let (Some(parent), Some(name), true) = (path.parent(), path.file_name(), path.is_absolute())
    else {
        let message = format!("{} is not the absolute path of a file", path.display());
        return Err(DriverError::invalid_input(message));
    };
    let folder = File::open(parent).map_err(failed)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    let real = fs::read_link(&through).map_err(failed)?.join(name);
    permitted(&real)?;
    let inside = through.join(name);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_CLOEXEC)
        .open(&inside)
        .map_err(failed)?;
    let durable =
        file.set_len(size_bytes).and_then(|()| file.sync_all()).and_then(|()| folder.sync_all());
    if let Err(source) = durable {
        // Nobody else knows of the file yet.
        drop(fs::remove_file(&inside));
        return Err(failed(source));
    }
    Ok(Opened { file, path: real, block: false })
}
