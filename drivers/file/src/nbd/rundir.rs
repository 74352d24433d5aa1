use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_driver_sdk::DriverError;
use nix::errno::Errno;
use nix::sys::signal;
use nix::unistd::Pid;

const PREFIX: &str = "firn-nbd-";

/// A private folder for one socket, removed when dropped. The socket itself is needed only until
/// the connections stand, so that hardly anything can be left behind by a kill.
#[derive(Debug)]
pub(super) struct RunDir {
    path: PathBuf,
    /// The way to the socket, whose path may be too long for `sun_path`.
    pub(super) folder: File,
    /// Locked as long as its owner lives. Another descriptor, since the child inherits the first.
    _lock: File,
}

impl RunDir {
    pub(super) fn new(parent: &Path) -> Result<Self, DriverError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let failed = |source| {
            let doing = format!("make a folder for a socket in {}", parent.display());
            DriverError::io(doing, source)
        };
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{PREFIX}{}-{number}", process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                // Of an earlier process with our id.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(failed)?,
            }
            let folder = File::open(&path).map_err(failed)?;
            // Nobody else would lock it while our process id lives.
            let lock = File::open(&path).map_err(failed)?;
            drop(lock.try_lock());
            return Ok(Self { path, folder, _lock: lock });
        }
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}

/// Removes the folders that dead processes left in `parent`. What cannot be looked at stays.
pub(crate) fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|rest| rest.split('-').next()?.parse::<i32>().ok());
        let Some(owner) = owner.filter(|pid| *pid > 0) else { continue };
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let dead = is_dead(owner);
        // Processes of another container have other numbers, but locks all see.
        let unlocked = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if dead && unlocked() {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Whether no process has this id, or one that ended and that nobody has waited for.
fn is_dead(pid: i32) -> bool {
    if signal::kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
        return true;
    }
    // The state stands behind the command's name, which may hold anything but ends with `)`.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    matches!(state, Some('Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_what_the_dead_left_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let mine = RunDir::new(parent.path()).unwrap();
        let mut child = process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let mut unwaited = process::Command::new("true").spawn().unwrap();
        while !is_dead(unwaited.id() as i32) {
            std::thread::yield_now();
        }
        let zombies = parent.path().join(format!("{PREFIX}{}-0", unwaited.id()));
        let dead = parent.path().join(format!("{PREFIX}{}-0", child.id()));
        let other = parent.path().join("firn-nbd-x");
        let foreign = parent.path().join("something");
        for folder in [&dead, &zombies, &other, &foreign] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(dead.join("socket"), b"").unwrap();
        sweep(parent.path());
        assert!(!dead.exists() && !zombies.exists());
        unwaited.wait().unwrap();
        assert!(other.exists() && foreign.exists() && mine.path.exists());
        let path = mine.path.clone();
        drop(mine);
        assert!(!path.exists());
    }
}
