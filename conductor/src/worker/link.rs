//! The worker's side of the conversation with its conductor.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firn_driver_sdk::Disk;
use parking_lot::{Condvar, Mutex};
use rustix::process::{Signal, getpid, kill_process};

use super::error::TaskError;
use super::protocol::{Command, Event, Level};
use super::throttle::Throttle;

/// Progress is told at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// The link to the conductor. Shared by all threads of the worker.
pub(super) struct Link {
    output: Mutex<File>,
    orders: Mutex<Orders>,
    ordered: Condvar,
    /// Set once by a cancel; the repository engine looks at it too.
    cancelled: Arc<AtomicBool>,
    moved: Mutex<Moved>,
}

#[derive(Default)]
struct Orders {
    commit: bool,
    /// What the worker may read, once it reads.
    throttle: Option<Arc<Throttle>>,
    /// The newest share of the conductor's bandwidth, where it was told of one.
    share: Option<u64>,
    /// Disks whose blocked calls a cancel must wake.
    open_disks: Vec<Arc<dyn Disk>>,
}

struct Moved {
    done_bytes: u64,
    total_bytes: u64,
    told: Instant,
}

impl Link {
    /// Speaks to the conductor through `output`.
    pub(super) fn new(output: File) -> Self {
        Self {
            output: Mutex::new(output),
            orders: Mutex::default(),
            ordered: Condvar::new(),
            cancelled: Arc::default(),
            moved: Mutex::new(Moved { done_bytes: 0, total_bytes: 0, told: Instant::now() }),
        }
    }

    /// Obeys the conductor's commands, from a thread of its own. At the end of the input the
    /// conductor is gone: whatever this worker does is then nobody's, so the process ends.
    pub(super) fn obey(self: &Arc<Self>, input: impl BufRead + Send + 'static) {
        let link = Arc::clone(self);
        std::thread::spawn(move || {
            for line in input.lines() {
                match line.map(|line| serde_json::from_str(&line)) {
                    Ok(Ok(Command::Commit)) => link.orders.lock().commit = true,
                    Ok(Ok(Command::Cancel)) => link.cancel(),
                    Ok(Ok(Command::Bandwidth { bytes_per_second })) => {
                        link.set_share(bytes_per_second);
                    }
                    Ok(Err(error)) => tracing::warn!(%error, "a conductor's line is no command"),
                    Err(_) => break,
                }
                link.ordered.notify_all();
            }
            // At once, whatever the other threads are in the middle of: an orderly exit would wait
            // for libraries, and somebody else may already be doing this job.
            let _ = kill_process(getpid(), Signal::KILL);
        });
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        for disk in &self.orders.lock().open_disks {
            disk.cancel();
        }
    }

    fn set_share(&self, bytes_per_second: u64) {
        let mut orders = self.orders.lock();
        orders.share = Some(bytes_per_second);
        if let Some(throttle) = &orders.throttle {
            throttle.set_share(bytes_per_second);
        }
    }

    /// What bounds this worker's reading: its plan, and its share of the conductor's bandwidth,
    /// which is `share` until the conductor says otherwise.
    pub(super) fn throttle(&self, plan: Option<u64>, share: Option<u64>) -> Arc<Throttle> {
        let mut orders = self.orders.lock();
        let share = orders.share.or(share);
        let throttle = Arc::new(Throttle::new(plan, share, self.cancel_flag()));
        orders.throttle = Some(Arc::clone(&throttle));
        throttle
    }

    /// The flag that a cancel sets.
    pub(super) fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Fails where the conductor asked to cancel.
    pub(super) fn check(&self) -> Result<(), TaskError> {
        if self.cancelled.load(Ordering::Acquire) { Err(TaskError::cancelled()) } else { Ok(()) }
    }

    /// Lets a cancel reach `disk` from now on.
    pub(super) fn watch(&self, disk: &Arc<dyn Disk>) {
        self.orders.lock().open_disks.push(Arc::clone(disk));
        if self.cancelled.load(Ordering::Acquire) {
            disk.cancel();
        }
    }

    /// Sets what there is to do.
    pub(super) fn plan(&self, total_bytes: u64) {
        self.moved.lock().total_bytes = total_bytes;
        self.tell_progress();
    }

    /// Adds to what is done.
    pub(super) fn advance(&self, bytes: u64) {
        let due = {
            let mut moved = self.moved.lock();
            moved.done_bytes += bytes;
            let due = moved.told.elapsed() >= PROGRESS_INTERVAL;
            if due {
                moved.told = Instant::now();
            }
            due
        };
        if due {
            self.tell_progress();
        }
    }

    /// Tells how far it is, however lately that was told.
    pub(super) fn tell_progress(&self) {
        let (done_bytes, total_bytes) = {
            let moved = self.moved.lock();
            (moved.done_bytes, moved.total_bytes)
        };
        self.tell(&Event::Progress { done_bytes, total_bytes });
    }

    /// Says something to the owner of the job.
    pub(super) fn message(&self, level: Level, action: &str, text: impl Into<String>) {
        self.tell(&Event::Message { level, action: action.to_owned(), text: text.into() });
    }

    /// Says that all is durable and waits for leave to make it visible.
    pub(super) fn await_commit(&self) -> Result<(), TaskError> {
        self.tell_progress();
        self.tell(&Event::Prepared);
        let mut orders = self.orders.lock();
        while !orders.commit {
            self.check()?;
            self.ordered.wait(&mut orders);
        }
        Ok(())
    }

    /// Writes one event. A conductor that is gone shows at the end of the input instead.
    pub(super) fn tell(&self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let _ = self.output.lock().write_all(&line);
    }
}

/// Moves the real standard output away, so that a library that prints cannot break the
/// conversation, and gives it back as a file.
pub(super) fn take_stdout() -> io::Result<File> {
    let output = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(output))
}
