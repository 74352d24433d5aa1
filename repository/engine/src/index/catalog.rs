use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::Segment;
use crate::chunk::ChunkId;
use crate::crypto::Keyring;
use crate::format::{INDEX, QUARANTINE};
use crate::pack::{Location, ObjectId};
use crate::quarantine::Quarantine;
use crate::{RepositoryError, Result, Storage};

/// Listings that may run into a segment that is just being merged away.
const LISTINGS_MAX: usize = 20;

/// All segments of a repository that this process knows, and what is quarantined.
pub(crate) struct Index {
    storage: Storage,
    keyring: Arc<Keyring>,
    cache_dir: Option<PathBuf>,
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
    quarantine: RwLock<Arc<Quarantine>>,
    /// Segments that were read and are damaged, and how: not read again.
    damaged: Mutex<HashMap<ObjectId, String>>,
    /// When the last listing began. The lock is held while listing.
    listed: Mutex<Option<Instant>>,
}

impl Index {
    pub(crate) fn open(
        storage: Storage,
        keyring: Arc<Keyring>,
        cache_dir: Option<PathBuf>,
    ) -> Result<Self> {
        let index = Self {
            storage,
            keyring,
            cache_dir,
            segments: RwLock::default(),
            quarantine: RwLock::default(),
            damaged: Mutex::default(),
            listed: Mutex::default(),
        };
        index.refresh()?;
        Ok(index)
    }

    pub(crate) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments.read())
    }

    pub(crate) fn quarantine(&self) -> Arc<Quarantine> {
        Arc::clone(&self.quarantine.read())
    }

    pub(crate) fn damaged(&self) -> HashMap<ObjectId, String> {
        self.damaged.lock().clone()
    }

    /// A copy of a chunk that a writer may rely on.
    pub(crate) fn find_good(&self, id: &ChunkId) -> Option<Location> {
        let found = self.collect(id);
        if found.is_empty() {
            return None;
        }
        let quarantine = self.quarantine();
        found.into_iter().find(|location| !quarantine.holds(location))
    }

    /// Every copy of a chunk, the most trustworthy first.
    pub(crate) fn find_all(&self, id: &ChunkId) -> Vec<Location> {
        let mut found = self.collect(id);
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
            let quarantine = self.quarantine();
            found.sort_by_key(|location| quarantine.holds(location));
        }
        found
    }

    /// What a damaged segment would say is unknown: the chunk is then stored or named missing.
    fn collect(&self, id: &ChunkId) -> Vec<Location> {
        let mut found = Vec::new();
        for segment in self.segments().iter() {
            if let Err(damage) = segment.find(id, &mut found) {
                self.set_damaged(segment.id(), damage.0);
            }
        }
        found
    }

    fn set_damaged(&self, id: ObjectId, what: &str) {
        if self.damaged.lock().insert(id, what.to_owned()).is_none() {
            tracing::warn!(segment = %id, what, "damaged index segment: rebuild the index");
        }
    }

    /// Adds a segment that this process has published.
    pub(crate) fn add(&self, segment: Arc<Segment>) {
        self.replace(&[], segment);
    }

    /// Puts one segment in the place of others.
    pub(crate) fn replace(&self, replaced: &[ObjectId], segment: Arc<Segment>) {
        let mut segments = self.segments.write();
        let segments = Arc::make_mut(&mut segments);
        // A listing by another thread may have found it already.
        let new = segment.id();
        segments.retain(|known| known.id() != new && !replaced.contains(&known.id()));
        segments.push(segment);
    }

    /// Lists again unless that was done within `age`, or is being done by another thread.
    pub(crate) fn refresh_older_than(&self, age: Duration) -> Result<()> {
        let Some(mut listed) = self.listed.try_lock() else { return Ok(()) };
        if listed.is_none_or(|at| at.elapsed() >= age) {
            self.list(&mut listed)?;
        }
        Ok(())
    }

    /// For a reader that misses what was published before `since`: lists again unless a listing
    /// began after that, and then at most once a second. Waits for another thread's listing.
    pub(crate) fn refresh_since(&self, since: Instant) -> Result<()> {
        let mut listed = self.listed.lock();
        if listed.is_none_or(|at| at < since || at.elapsed() > Duration::from_secs(1)) {
            self.list(&mut listed)?;
        }
        Ok(())
    }

    /// Lists again.
    pub(crate) fn refresh(&self) -> Result<()> {
        self.list(&mut self.listed.lock())
    }

    fn list(&self, listed: &mut Option<Instant>) -> Result<()> {
        let began = Instant::now();
        let mut complete = false;
        for _ in 0..LISTINGS_MAX {
            if self.list_segments()? {
                complete = true;
                break;
            }
        }
        if !complete {
            tracing::warn!("index segments keep vanishing; some may not be known yet");
        }
        self.list_quarantine()?;
        *listed = Some(began);
        Ok(())
    }

    /// Whether every listed segment could be read.
    fn list_segments(&self) -> Result<bool> {
        let listing = self.storage.list(INDEX)?;
        let known = self.segments();
        let mut present = HashSet::new();
        let mut opened = Vec::new();
        let mut complete = true;
        for entry in listing {
            let Some(id) = ObjectId::from_path(&entry.path) else { continue };
            present.insert(id);
            if known.iter().any(|segment| segment.id() == id)
                || self.damaged.lock().contains_key(&id)
            {
                continue;
            }
            let cache_dir = self.cache_dir.as_deref();
            match Segment::open(&self.storage, &self.keyring, cache_dir, id, entry.size_bytes) {
                Ok(Ok(segment)) => opened.push(Arc::new(segment)),
                Ok(Err(damage)) => self.set_damaged(id, damage.0),
                Err(RepositoryError::Storage { source, .. }) if source.is_not_found() => {
                    complete = false;
                }
                Err(error) => return Err(error),
            }
        }
        if !complete {
            return Ok(false);
        }
        // What this process published after the listing began is not lost: only segments that
        // were known before may go.
        let before: HashSet<_> = known.iter().map(|segment| segment.id()).collect();
        let mut segments = self.segments.write();
        let segments = Arc::make_mut(&mut segments);
        segments
            .retain(|segment| present.contains(&segment.id()) || !before.contains(&segment.id()));
        for segment in opened {
            if segments.iter().all(|known| known.id() != segment.id()) {
                segments.push(segment);
            }
        }
        self.damaged.lock().retain(|id, _| present.contains(id));
        Ok(true)
    }

    fn list_quarantine(&self) -> Result<()> {
        let listing: Vec<_> =
            self.storage.list(QUARANTINE)?.into_iter().map(|entry| entry.path).collect();
        let known = self.quarantine();
        if listing.len() == known.notes.len()
            && listing.iter().all(|object| known.notes.contains(object))
        {
            return Ok(());
        }
        let mut fresh = Quarantine::default();
        fresh.load(&self.storage, &listing)?;
        *self.quarantine.write() = Arc::new(fresh);
        Ok(())
    }
}
