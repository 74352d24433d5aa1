use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::{Api, Ground, children, firn, kill, until, within};

/// The machine may be busy with other tests.
const START_LIMIT: Duration = Duration::from_secs(60);
const LOG_LINES: usize = 120;

/// What a service is started with beyond its folders.
#[derive(Clone, Default)]
pub struct ServiceOptions {
    arguments: Vec<OsString>,
    token: Option<String>,
}

impl ServiceOptions {
    /// More arguments.
    pub fn with(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A backup of few MiB takes seconds: for tests that need something to be under way.
    pub fn slow(self) -> Self {
        self.with(["--compression-level", "19", "--threads", "1"])
    }

    /// Requests carry this token; the service gets it as a file.
    pub fn token(mut self, file: &Path, token: &str) -> Self {
        fs::write(file, token).unwrap();
        self.token = Some(token.trim().to_owned());
        self.with([OsString::from("--token-file"), file.into()])
    }
}

/// A running `firn serve`. Dropped, it is killed; where the test fails, its log is printed.
pub struct Service {
    child: Child,
    address: SocketAddr,
    options: ServiceOptions,
    log: PathBuf,
    root: PathBuf,
}

impl Service {
    /// Starts it and waits until it is ready.
    pub fn start(ground: &Ground) -> Self {
        Self::start_with(ground, ServiceOptions::default())
    }

    /// The same with options.
    pub fn start_with(ground: &Ground, options: ServiceOptions) -> Self {
        let address = free_address();
        let log = ground.path().join("serve.log");
        let child = spawn(ground, address, &options, &log);
        let mut service = Self { child, address, options, log, root: ground.path().to_owned() };
        service.wait_until_ready();
        service
    }

    /// Runs a service that must refuse to start, and gives what it said.
    pub fn refused(ground: &Ground, arguments: &[&str]) -> String {
        let log = ground.path().join("refused.log");
        let options = ServiceOptions::default().with(arguments.iter().map(|text| text.to_string()));
        let mut child = spawn(ground, free_address(), &options, &log);
        let status = within(START_LIMIT, || child.try_wait().unwrap());
        let _ = child.kill();
        let _ = child.wait();
        let said = fs::read_to_string(&log).unwrap_or_default();
        let status = status.unwrap_or_else(|| panic!("it runs all the same:\n{said}"));
        assert_eq!(status.code(), Some(1), "{status}:\n{said}");
        fs::remove_file(log).unwrap();
        said
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + START_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("firn serve ended at its start with {status}\n{}", self.log_tail());
            }
            if self.api().healthy() {
                return;
            }
            assert!(Instant::now() < end, "firn serve is not ready in time\n{}", self.log_tail());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its API.
    pub fn api(&self) -> Api {
        Api::new(self.address, self.options.token.clone())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its worker processes.
    pub fn workers(&self) -> Vec<u32> {
        let all = children(self.pid()).into_iter();
        let workers = all.filter(|(_, arguments)| arguments.iter().any(|word| word == "worker"));
        workers.map(|(pid, _)| pid).collect()
    }

    /// Waits until it has a worker process.
    pub fn worker(&self) -> u32 {
        let limit = Duration::from_secs(60);
        until("a worker process runs", limit, || self.workers().first().copied())
    }

    /// `kill -9`, as a crash would.
    pub fn crash(&mut self) {
        // Also where it has ended: another process may have its number by then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same folders after [`Self::crash`] or [`Self::stop`].
    pub fn restart(&mut self, ground: &Ground) {
        self.address = free_address();
        self.child = spawn(ground, self.address, &self.options, &self.log);
        self.wait_until_ready();
    }

    /// Asks it to end and gives how it ended and how long that took.
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        kill(self.pid(), Signal::TERM);
        let limit = Duration::from_secs(30);
        let status = within(limit, || self.child.try_wait().unwrap());
        let status = status
            .unwrap_or_else(|| panic!("still there {limit:?} after SIGTERM\n{}", self.log_tail()));
        (status, begin.elapsed())
    }

    /// Ends it in an orderly way, which must work.
    pub fn stop_cleanly(&mut self) {
        let (status, _) = self.stop();
        assert!(status.success(), "{status} {:?}\n{}", status.signal(), self.log_tail());
    }

    /// Everything that it logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.crash();
        if thread::panicking() {
            eprintln!("---- the service's log ----\n{}", self.log_tail());
        }
        // A test's folder is removed next; nobody may still write there.
        let gone = || crate::processes::using(&self.root, &[]).is_empty().then_some(());
        if within(Duration::from_secs(10), gone).is_none() && !thread::panicking() {
            panic!("processes outlive the service: {:?}", crate::processes::using(&self.root, &[]));
        }
    }
}

fn spawn(ground: &Ground, address: SocketAddr, options: &ServiceOptions, log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    let listens = options.arguments.iter().any(|argument| argument == "--listen");
    let mut command = Command::new(firn());
    command.arg("serve").arg("--state-dir").arg(ground.state());
    command.arg("--domain-dir").arg(ground.domains());
    if !listens {
        command.arg("--listen").arg(address.to_string());
    }
    command
        .args(&options.arguments)
        // Also marks every process of this test.
        .env("TMPDIR", ground.path().join("tmp"))
        .env("RUST_BACKTRACE", "1")
        .current_dir(ground.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// An address of this machine alone that no other test uses: each takes a loopback IP of its own.
pub(crate) fn free_address() -> SocketAddr {
    let (a, b, c) =
        (rand::random_range(16..250), rand::random_range(1..250), rand::random_range(1..250));
    let listener = TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0)).unwrap();
    listener.local_addr().unwrap()
}
