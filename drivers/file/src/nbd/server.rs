use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use firn_driver_sdk::DriverError;
use nix::sys::memfd::{self, MFdFlags};
use parking_lot::Mutex;
use serde_json::Value;

use super::client::{Connection, Purpose};
use super::pool::Pool;
use super::rundir::RunDir;
use super::spawn::spawn;
use crate::config::Settings;

/// Connections that read; one more asks what is allocated.
const CONNECTIONS: usize = 4;
const START_LIMIT: Duration = Duration::from_secs(30);
const START_TICK: Duration = Duration::from_millis(2);
/// A killed process ends at once unless the kernel holds it in a hung read.
const END_LIMIT: Duration = Duration::from_secs(3);
const STDERR_LIMIT: usize = 2000;

/// A `qemu-nbd` that serves one disk to us alone. Dropped, it is gone: no process, no zombie, no
/// socket. If this process dies it is killed by the kernel, and would end anyway when its last
/// connection closes.
#[derive(Debug)]
pub(crate) struct Server {
    child: Arc<Mutex<Child>>,
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
    stderr: File,
}

impl Server {
    /// Starts the program on `graph`, whose files are `inherit`, and connects to it.
    ///
    /// # Errors
    /// `Unavailable` where the program is missing, does not start in time, or ends at once; with
    /// what it said.
    pub(crate) fn start(
        settings: &Settings,
        graph: &Value,
        inherit: Vec<RawFd>,
    ) -> Result<(Self, Pool), DriverError> {
        let rundir = RunDir::new(&settings.runtime_dir)?;
        let stderr = memfd::memfd_create(c"qemu-nbd-stderr", MFdFlags::MFD_CLOEXEC)
            .map(File::from)
            .map_err(|error| DriverError::io("keep qemu-nbd's messages", error.into()))?;
        let command = command(settings, graph, &rundir, &stderr)?;
        let inherit = [inherit, vec![rundir.folder.as_raw_fd()]].concat();
        let server = Self::launch(command, inherit, stderr)?;

        let deadline = Instant::now() + START_LIMIT;
        let never = AtomicBool::new(false);
        let connect = |purpose| {
            let stream = server.connect(&rundir, deadline)?;
            Connection::new(stream, purpose, deadline, &never)
                .map_err(|error| server.explain(error))
        };
        let allocation = connect(Purpose::Allocation)?;
        let data =
            (0..CONNECTIONS).map(|_| connect(Purpose::Data)).collect::<Result<Vec<_>, _>>()?;
        Ok((server, Pool::new(data, allocation)?))
    }

    /// The kernel kills the child when the thread that started it ends, so that thread lives as
    /// long as the server.
    fn launch(
        mut command: Command,
        inherit: Vec<RawFd>,
        stderr: File,
    ) -> Result<Self, DriverError> {
        let failed = |source| DriverError::io("start qemu-nbd", source);
        let (started, start) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let (ending, ended) = mpsc::channel();
        let keeper = move || {
            let child = spawn(&mut command, inherit);
            // Its descriptors are closed before anybody can see the server end.
            drop(command);
            let child = match child {
                Ok(child) => Arc::new(Mutex::new(child)),
                Err(error) => return drop(started.send(Err(error))),
            };
            drop(started.send(Ok(child.clone())));
            // Ends by the other side's going away.
            let _ = stopped.recv();
            let mut child = child.lock();
            drop(child.kill());
            drop(child.wait());
            let _ = ending.send(());
        };
        thread::Builder::new().name("qemu-nbd".into()).spawn(keeper).map_err(failed)?;
        let child = start
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
            .map_err(failed)?;
        Ok(Self { child, stop: Some(stop), ended, stderr })
    }

    fn connect(&self, rundir: &RunDir, deadline: Instant) -> Result<UnixStream, DriverError> {
        let socket = socket_path(rundir);
        loop {
            let source = match UnixStream::connect(&socket) {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            let ended = !matches!(self.child.lock().try_wait(), Ok(None));
            if ended || Instant::now() > deadline {
                let what = if ended { "ended at its start" } else { "does not start in time" };
                let error = DriverError::unavailable(format!("qemu-nbd {what}"));
                return Err(self.explain(error.with_source(source)));
            }
            thread::sleep(START_TICK);
        }
    }

    /// Adds to an error what the program itself said.
    pub(crate) fn explain(&self, error: DriverError) -> DriverError {
        let mut said = vec![0; STDERR_LIMIT];
        let length = self.stderr.read_at(&mut said, 0).unwrap_or(0);
        let said = String::from_utf8_lossy(&said[..length]);
        // Its first words repeat our own description of the disk.
        let said = said.trim().rsplit("': ").next().unwrap_or_default().replace('\n', "; ");
        if said.is_empty() || error.is_cancelled() {
            return error;
        }
        DriverError::new(error.kind(), format!("{}: {said}", error.message()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Past the limit the thread goes on waiting by itself, and leaves no zombie either.
        let _ = self.ended.recv_timeout(END_LIMIT);
    }
}

/// Reached through the folder's descriptor, which the child has too: a path of any length fits.
fn socket_path(rundir: &RunDir) -> String {
    format!("/proc/self/fd/{}/nbd", rundir.folder.as_raw_fd())
}

fn command(
    settings: &Settings,
    graph: &Value,
    rundir: &RunDir,
    stderr: &File,
) -> Result<Command, DriverError> {
    let stderr =
        stderr.try_clone().map_err(|source| DriverError::io("keep qemu-nbd's messages", source))?;
    let mut command = Command::new(settings.qemu_nbd()?);
    command
        .arg("--read-only")
        .arg(format!("--shared={}", CONNECTIONS + 1))
        .arg(format!("--socket={}", socket_path(rundir)))
        .arg(format!("json:{graph}"))
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    Ok(command)
}
