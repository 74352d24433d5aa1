use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use firn_core::{InstanceId, JobId};
use parking_lot::Mutex;

use super::guest::{Asker, Guest};
use super::record::Records;
use super::{FreezeError, GuestFreezer};

/// How freezes are bounded.
#[derive(Clone, Debug)]
pub struct FreezeOptions {
    /// Folder of the records; made when needed.
    pub records: PathBuf,
    /// The longest that a guest is held, whatever is asked.
    pub longest: Duration,
    /// How long the outcome of a thaw is awaited.
    pub patience: Duration,
    /// Wait before a thaw that failed is repeated; doubles with each try, up to half a minute.
    pub retry: Duration,
}

/// The guests of this host that are frozen, and their thaw.
pub struct Freezes {
    shared: Arc<Shared>,
}

/// What the threads of the guests share.
pub(super) struct Shared {
    pub(super) freezer: Box<dyn GuestFreezer>,
    pub(super) options: FreezeOptions,
    records: Records,
    guests: Mutex<Guests>,
}

impl Shared {
    /// From here on the guest may be frozen again.
    pub(super) fn forget(&self, id: InstanceId) {
        if let Err(error) = self.records.remove(id) {
            tracing::warn!(instance_id = %id, %error, "a record cannot be removed");
        }
        self.guests.lock().frozen.remove(&id);
    }
}

#[derive(Default)]
struct Guests {
    stopping: bool,
    frozen: HashMap<InstanceId, Held>,
}

/// A guest that has a thread.
struct Held {
    /// Who may ask for its thaw; nobody for one of an earlier life of this process.
    job: Option<JobId>,
    thaw: Sender<Asker>,
}

/// What a thaw found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thawed {
    /// The guest was frozen from the job's freeze until this thaw.
    pub held: bool,
    /// How many file systems it thawed.
    pub file_systems: u32,
}

impl Freezes {
    /// Begins to thaw whatever an earlier life of this process may have left frozen.
    ///
    /// # Errors
    /// When its records cannot be read.
    pub fn open(freezer: Box<dyn GuestFreezer>, options: FreezeOptions) -> io::Result<Self> {
        let records = Records::new(options.records.clone());
        let left = records.list()?;
        let shared = Shared { freezer, options, records, guests: Mutex::default() };
        let freezes = Self { shared: Arc::new(shared) };
        for id in left {
            tracing::warn!(instance_id = %id, "may be frozen since before the start");
            let guest = freezes.enter(&mut freezes.shared.guests.lock(), id, None);
            spawn(id, move || guest.thaw(None))?;
        }
        Ok(freezes)
    }

    /// Freezes a guest for a job, for at most `hold`; how many file systems that were.
    ///
    /// # Errors
    /// The guest is not frozen then, or is being thawed.
    pub fn freeze(&self, id: InstanceId, job: JobId, hold: Duration) -> Result<u32, FreezeError> {
        let shared = &self.shared;
        let unrecorded =
            |source| FreezeError::Unrecorded { path: shared.records.folder().to_owned(), source };
        let guest = {
            let mut guests = shared.guests.lock();
            if guests.stopping {
                return Err(FreezeError::Stopping);
            }
            if guests.frozen.contains_key(&id) {
                return Err(FreezeError::Held);
            }
            shared.records.add(id).map_err(unrecorded)?;
            self.enter(&mut guests, id, Some(job))
        };
        let hold = hold.min(shared.options.longest);
        let (begun, frozen) = mpsc::channel();
        let spawned = spawn(id, move || guest.freeze(hold, &begun));
        if let Err(source) = spawned {
            shared.forget(id);
            return Err(FreezeError::NoThread { source });
        }
        // Its thread answers in any case, unless it panics; then the next start thaws.
        frozen.recv().unwrap_or(Err(FreezeError::Held))
    }

    /// Thaws a guest that was frozen for a job. One that is not is fine, and not held.
    ///
    /// # Errors
    /// [`FreezeError::NotThawed`].
    pub fn thaw(&self, id: InstanceId, job: JobId) -> Result<Thawed, FreezeError> {
        let (asker, thawed) = mpsc::channel();
        if let Some(held) = self.shared.guests.lock().frozen.get(&id)
            && held.job == Some(job)
        {
            // A thread that has ended meanwhile drops it.
            let _ = held.thaw.send(asker);
        } else {
            return Ok(Thawed::default());
        }
        self.outcome(&thawed, self.shared.options.patience)
    }

    /// Thaws all guests and freezes no more. What does not thaw within the patience is left to the next
    /// start; how many these are.
    pub fn stop(&self) -> usize {
        let mut guests = self.shared.guests.lock();
        guests.stopping = true;
        let ask = |held: &Held| {
            let (asker, thawed) = mpsc::channel();
            let _ = held.thaw.send(asker);
            thawed
        };
        let asked: Vec<_> = guests.frozen.values().map(ask).collect();
        drop(guests);
        let until = Instant::now() + self.shared.options.patience;
        let left = || until.saturating_duration_since(Instant::now());
        asked.iter().filter(|thawed| self.outcome(thawed, left()).is_err()).count()
    }

    fn outcome(
        &self,
        thawed: &Receiver<Thawed>,
        patience: Duration,
    ) -> Result<Thawed, FreezeError> {
        match thawed.recv_timeout(patience) {
            Ok(thawed) => Ok(thawed),
            Err(RecvTimeoutError::Disconnected) => Ok(Thawed::default()),
            Err(RecvTimeoutError::Timeout) => {
                Err(FreezeError::NotThawed { patience: self.shared.options.patience })
            }
        }
    }

    fn enter(&self, guests: &mut Guests, id: InstanceId, job: Option<JobId>) -> Guest {
        let (thaw, asked) = mpsc::channel();
        guests.frozen.insert(id, Held { job, thaw });
        Guest { shared: Arc::clone(&self.shared), id, asked }
    }
}

fn spawn(id: InstanceId, life: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(format!("freeze-{id}")).spawn(life).map(drop)
}
