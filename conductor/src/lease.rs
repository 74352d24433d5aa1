//! A claimed job's lease: renewed while the job runs, lost when the database says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use firn_core::{Progress, Rate};
use parking_lot::Mutex;

use crate::saga::{Journal, JournalError};
use crate::stop::{Stop, StopReason};
use crate::worker::Watch;
use crate::worker::protocol::Level;

/// A heartbeat also carries progress to the API, so it comes at least this often.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What a heartbeat tells the database.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beat {
    /// How far the job has come.
    pub(crate) progress: Progress,
    /// Smoothed rate.
    pub(crate) bytes_per_second: Option<u64>,
    /// Time left.
    pub(crate) remaining: Option<Duration>,
}

/// What the database answers to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulse {
    /// Still ours.
    Ours,
    /// Still ours, and somebody asked to cancel.
    CancelRequested,
    /// Another conductor's, or ended.
    Lost,
}

/// The database's side of a lease.
#[async_trait]
pub(crate) trait Heart: Send + Sync {
    /// Renews the lease; `None` where the database does not answer.
    async fn beat(&self, beat: Beat) -> Option<Pulse>;
}

/// A running job's lease and what its worker reports.
pub(crate) struct Lease {
    heart: Box<dyn Heart>,
    journal: Arc<dyn Journal>,
    stop: Stop,
    length: Duration,
    moved: Mutex<Moved>,
}

struct Moved {
    progress: Progress,
    rate: Rate,
    at: Instant,
}

impl Lease {
    /// A lease of `length` that was granted just now.
    pub(crate) fn new(
        heart: Box<dyn Heart>,
        journal: Arc<dyn Journal>,
        stop: Stop,
        length: Duration,
    ) -> Self {
        let moved =
            Moved { progress: Progress::default(), rate: Rate::default(), at: Instant::now() };
        Self { heart, journal, stop, length, moved: Mutex::new(moved) }
    }

    /// Renews until dropped. Loses the lease, for this conductor, a little before the database
    /// would give it to another.
    pub(crate) async fn keep(&self) -> ! {
        let interval = (self.length / 3).min(PROGRESS_INTERVAL);
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(interval).await;
            match self.heart.beat(self.now()).await {
                Some(pulse) => {
                    renewed = Instant::now();
                    self.obey(pulse);
                }
                None if renewed.elapsed() + interval >= self.length => {
                    self.stop.request(StopReason::LeaseLost);
                }
                None => {}
            }
        }
    }

    /// One heartbeat now; whether the job is still ours.
    pub(crate) async fn tell(&self) -> bool {
        let pulse = self.heart.beat(self.now()).await;
        if let Some(pulse) = pulse {
            self.obey(pulse);
        }
        pulse == Some(Pulse::Ours)
    }

    fn now(&self) -> Beat {
        let moved = self.moved.lock();
        let left = moved.progress.total_bytes.saturating_sub(moved.progress.done_bytes);
        Beat {
            progress: moved.progress,
            bytes_per_second: moved.rate.bytes_per_second(),
            remaining: moved.rate.remaining(left),
        }
    }

    fn obey(&self, pulse: Pulse) {
        match pulse {
            Pulse::Ours => {}
            Pulse::CancelRequested => self.stop.request(StopReason::Cancelled),
            Pulse::Lost => self.stop.request(StopReason::LeaseLost),
        }
    }
}

#[async_trait]
impl Watch for Lease {
    fn progress(&self, progress: Progress) {
        let mut moved = self.moved.lock();
        let bytes = progress.done_bytes.saturating_sub(moved.progress.done_bytes);
        let elapsed = moved.at.elapsed();
        moved.rate.observe(bytes, elapsed);
        moved.progress = progress;
        moved.at = Instant::now();
    }

    async fn message(&self, level: Level, action: &str, text: &str) {
        let written = match level {
            Level::Info => self.journal.inform(action, text).await,
            Level::Warning => self.journal.warn(action, text).await,
        };
        if let Err(JournalError::LeaseLost) = written {
            self.stop.request(StopReason::LeaseLost);
        }
    }

    async fn may_commit(&self) -> bool {
        self.tell().await && self.stop.reason().is_none()
    }
}
