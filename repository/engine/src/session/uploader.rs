//! The threads that bring a session's packs to the storage and publish them.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Shared;
use super::appender::SealedPack;
use crate::queue::{Popped, Queue};
use crate::{RepositoryError, Result};

/// Threads, and so packs on their way at once.
const UPLOADERS: usize = 2;
/// Packs that wait for one.
const QUEUED: usize = 1;
/// How often one looks who else is at work.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// The way of packs to the storage.
pub(super) struct Uploads {
    queue: Queue<SealedPack>,
    /// Packs that were begun and are not published yet.
    unpublished: Mutex<usize>,
    published: Condvar,
    looked: Mutex<Instant>,
}

impl Uploads {
    pub(super) fn new() -> Self {
        Self {
            queue: Queue::new(QUEUED),
            unpublished: Mutex::new(0),
            published: Condvar::new(),
            looked: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn begin_pack(&self) {
        *self.unpublished.lock() += 1;
    }

    fn end_pack(&self) {
        *self.unpublished.lock() -= 1;
        self.published.notify_all();
    }

    pub(super) fn push(&self, pack: SealedPack, check: &dyn Fn() -> Result<()>) -> Result<()> {
        self.queue.push(pack, check)
    }

    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// Waits until every pack that was begun is published.
    pub(super) fn wait(&self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut unpublished = self.unpublished.lock();
        while *unpublished > 0 {
            check()?;
            self.published.wait_for(&mut unpublished, Duration::from_millis(50));
        }
        check()
    }
}

pub(super) fn start(shared: &Arc<Shared>) -> Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::new();
    for _ in 0..UPLOADERS {
        let work = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("firn-upload".to_owned())
            .spawn(move || run(&work))
            .map_err(|_| RepositoryError::Internal { what: "no thread can be started" })?;
        threads.push(thread);
    }
    Ok(threads)
}

fn run(shared: &Shared) {
    loop {
        match shared.uploads.queue.pop() {
            Popped::Item(pack) => upload(shared, pack),
            Popped::Closed => return,
            Popped::Nothing => {}
        }
        if let Err(error) = tick(shared) {
            shared.fail(error);
        }
    }
}

fn upload(shared: &Shared, pack: SealedPack) {
    // After a failure nothing more is worth storing; taking it off the queue frees those who
    // wait to put something on.
    if shared.failure.lock().is_none()
        && let Err(error) = shared.publish(pack)
    {
        shared.fail(error);
    }
    shared.uploads.end_pack();
}

/// Looks whether others are at work, and does not let them wait for a pack that does not fill.
fn tick(shared: &Shared) -> Result<()> {
    let due = shared.uploads.looked.try_lock().is_some_and(|mut looked| {
        let due = looked.elapsed() >= LOOK_AROUND;
        if due {
            *looked = Instant::now();
        }
        due
    });
    if due && let Err(error) = shared.look_around() {
        // It only steers how often packs are published.
        tracing::warn!(%error, "cannot list the other sessions");
    }
    if shared.crowded()
        && let Some(pack) = shared.take_idle()?
    {
        upload(shared, pack);
    }
    Ok(())
}
