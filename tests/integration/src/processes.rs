//! The process table, as `/proc` shows it.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal; a process that is gone already is no error.
pub fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether there is such a process that has not ended.
pub fn alive(pid: u32) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.state != 'Z')
}

/// Processes started by `parent`, also those that ended and were not waited for, with their
/// arguments.
pub fn children(parent: u32) -> Vec<(u32, Vec<String>)> {
    all()
        .filter(|&pid| Stat::of(pid).is_some_and(|stat| stat.parent == parent))
        .map(|pid| (pid, arguments(pid)))
        .collect()
}

/// Living processes that have to do with `folder`: named in their arguments or environment, or
/// open in them; without this one and `except`.
pub(crate) fn using(folder: &Path, except: &[u32]) -> Vec<String> {
    let folder = folder.display().to_string();
    let own = std::process::id();
    all()
        .filter(|pid| *pid != own && !except.contains(pid) && alive(*pid))
        .filter(|&pid| names(pid, &folder) || has_open(pid, &folder))
        .map(|pid| format!("process {pid}: {}", arguments(pid).join(" ")))
        .collect()
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

fn names(pid: u32, folder: &str) -> bool {
    ["cmdline", "environ"].iter().any(|file| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(folder)
    })
}

/// Files of `folder` that a process has open.
pub(crate) fn open_files(pid: u32, folder: &str) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    let names = targets.map(|target| target.display().to_string());
    names.filter(|name| name.starts_with(folder)).collect()
}

/// Whether a process, or one that it started, has a file open.
pub fn reads(pid: u32, file: &Path) -> bool {
    has_open(pid, &file.display().to_string())
        || children(pid).iter().any(|(child, _)| reads(*child, file))
}

fn has_open(pid: u32, folder: &str) -> bool {
    !open_files(pid, folder).is_empty()
}

struct Stat {
    state: char,
    parent: u32,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything.
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Self { state, parent: fields.next()?.parse().ok()? })
    }
}
