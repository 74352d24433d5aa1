//! Running `virsh` with a deadline.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::SourceError;

/// Answers beyond this length are refused. A domain XML has its own, smaller bound.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;
/// How often a child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// A `virsh` that talks to one libvirt.
#[derive(Clone, Debug)]
pub(super) struct Virsh {
    pub(super) program: PathBuf,
    pub(super) uri: String,
    pub(super) deadline: Duration,
}

impl Virsh {
    /// Runs one command and returns what it printed. The arguments are ours and UUIDs: nothing
    /// that others chose stands on a command line.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, SourceError> {
        self.speak(&["--quiet"], arguments)
    }

    /// The same of a command that tells its outcome only to people.
    pub(super) fn run_aloud(&self, arguments: &[&str]) -> Result<String, SourceError> {
        self.speak(&[], arguments)
    }

    fn speak(&self, manner: &[&str], arguments: &[&str]) -> Result<String, SourceError> {
        let ends = Instant::now() + self.deadline;
        let command = arguments.join(" ");
        let mut child = self.spawn(manner, arguments)?;
        let output = drain(child.stdout.take());
        let errors = drain(child.stderr.take());
        let Some(status) = wait_until(&mut child, ends) else {
            abandon(child);
            return Err(SourceError::TimedOut { command, deadline: self.deadline });
        };
        // A grandchild may hold the pipes open, so their end is awaited within the deadline too.
        let text = |pipe: Receiver<io::Result<Vec<u8>>>| {
            let left = ends.saturating_duration_since(Instant::now()).max(POLL);
            match pipe.recv_timeout(left) {
                Ok(Ok(bytes)) => Ok(bytes),
                Ok(Err(error)) => Err(refused(&command, &error.to_string())),
                Err(_) => {
                    Err(SourceError::TimedOut { command: command.clone(), deadline: self.deadline })
                }
            }
        };
        let output = text(output)?;
        if status.success() {
            let message = "text that is not UTF-8";
            return String::from_utf8(output).map_err(|_| refused(&command, message));
        }
        let message = String::from_utf8_lossy(&text(errors)?).trim().to_owned();
        Err(if absent(&message) {
            SourceError::Absent { reason: last_line(&message) }
        } else {
            refused(&command, &message)
        })
    }

    fn spawn(&self, manner: &[&str], arguments: &[&str]) -> Result<Child, SourceError> {
        let spawned = Command::new(&self.program)
            .args(manner)
            .args(["--connect", &self.uri])
            .args(arguments)
            // States and messages are recognised in English.
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        spawned.map_err(|error| SourceError::Absent {
            reason: format!("{}: {error}", self.program.display()),
        })
    }
}

/// Reads a pipe to its end on a thread of its own, so that neither pipe can block the child.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.take(MAX_ANSWER_BYTES + 1).read_to_end(&mut bytes);
            let read = read.and_then(|count| match count as u64 > MAX_ANSWER_BYTES {
                true => Err(io::Error::other("more than 16 MiB of text")),
                false => Ok(bytes),
            });
            // Nobody listens any more once the deadline has passed.
            let _ = sender.send(read);
        });
    }
    receiver
}

fn wait_until(child: &mut Child, ends: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < ends => thread::sleep(POLL),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Kills a child that missed its deadline. One that hangs in the kernel dies later; a thread
/// awaits that, so that no zombie stays.
fn abandon(mut child: Child) {
    let _ = child.kill();
    thread::spawn(move || child.wait());
}

/// Whether a message means that no libvirt can be talked to from here, for whatever reason: none
/// runs, or it is not for this user. A libvirt that is ill accepts and does not answer.
fn absent(message: &str) -> bool {
    message.contains("failed to connect to the hypervisor")
}

fn refused(command: &str, message: &str) -> SourceError {
    SourceError::Refused { command: command.to_owned(), message: last_line(message) }
}

/// The last line of libvirt's messages is the most specific one.
fn last_line(message: &str) -> String {
    const SHOWN_CHARS: usize = 300;
    let line = message.lines().next_back().unwrap_or("nothing");
    line.trim_start_matches("error: ").chars().take(SHOWN_CHARS).collect()
}
