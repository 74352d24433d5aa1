use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_driver_sdk::{DriverError, Extent, ExtentList};

/// A named table of images, shared by everyone who asks for the same name.
#[derive(Clone, Default)]
pub struct Medium(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Counts changes of every kind, so that no two states of anything have the same number.
    clock: u64,
    images: BTreeMap<String, Image>,
}

/// One disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    data: Vec<u8>,
    /// When it was made: tokens of an image that was deleted mean nothing to its successor.
    born: u64,
    /// When it was written to last.
    written: u64,
    writes: Vec<(u64, Extent)>,
    snapshots: BTreeMap<String, (u64, Vec<u8>)>,
    /// Shared with everybody who has it open for writing.
    users: Arc<()>,
}

impl Image {
    /// The bytes of the disk.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// When it was made and when it was written to last.
    pub(crate) fn version(&self) -> (u64, u64) {
        (self.born, self.written)
    }

    /// The bytes of a snapshot and when they were written last.
    pub(crate) fn snapshot(&self, name: &str) -> Option<&(u64, Vec<u8>)> {
        self.snapshots.get(name)
    }

    /// Keeps the image from being removed as long as the answer lives.
    pub(crate) fn hold(&self) -> Arc<()> {
        Arc::clone(&self.users)
    }

    pub(crate) fn snapshot_names(&self) -> Vec<String> {
        self.snapshots.keys().cloned().collect()
    }

    /// What was written after `from`, up to `to`.
    pub(crate) fn writes_between(&self, from: u64, to: u64) -> ExtentList {
        self.writes
            .iter()
            .filter_map(|(at, extent)| (*at > from && *at <= to).then_some(*extent))
            .collect()
    }
}

impl Medium {
    /// The medium of that name, made when asked for first. It lasts as long as the process.
    pub fn named(name: &str) -> Self {
        static MEDIA: Mutex<BTreeMap<String, Medium>> = Mutex::new(BTreeMap::new());
        let mut media = MEDIA.lock().unwrap_or_else(PoisonError::into_inner);
        media.entry(name.to_owned()).or_default().clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an image.
    ///
    /// # Errors
    /// `Conflict` where the name is taken.
    pub fn create(&self, name: &str, data: Vec<u8>) -> Result<(), DriverError> {
        let mut state = self.state();
        if state.images.contains_key(name) {
            return Err(DriverError::conflict(format!("the image {name} exists")));
        }
        state.clock += 1;
        let born = state.clock;
        let image = Image { data, born, written: born, ..Image::default() };
        state.images.insert(name.to_owned(), image);
        Ok(())
    }

    /// Removes an image with its snapshots; what is absent succeeds.
    pub fn remove(&self, name: &str) {
        self.state().images.remove(name);
    }

    /// Removes an image that nobody has open for writing, with its snapshots, whose names all
    /// begin with `ours`; what is absent succeeds.
    ///
    /// # Errors
    /// `Conflict` where it is in use or has another snapshot.
    pub(crate) fn remove_unused(&self, name: &str, ours: &str) -> Result<(), DriverError> {
        let mut state = self.state();
        let Some(image) = state.images.get(name) else { return Ok(()) };
        if Arc::strong_count(&image.users) > 1 {
            return Err(DriverError::conflict(format!("the image {name} is in use")));
        }
        if let Some(other) = image.snapshots.keys().find(|snapshot| !snapshot.starts_with(ours)) {
            let message = format!("the image {name} has the snapshot {other} of somebody else");
            return Err(DriverError::conflict(message));
        }
        state.images.remove(name);
        Ok(())
    }

    /// Works with an image.
    ///
    /// # Errors
    /// `NotFound`, and what `work` says.
    pub fn with<T>(
        &self,
        name: &str,
        work: impl FnOnce(&Image) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        work(self.state().images.get(name).ok_or_else(|| absent(name))?)
    }

    /// Writes to an image, and notes it.
    ///
    /// # Errors
    /// `NotFound`, or `InvalidInput` past the end.
    pub fn write(&self, name: &str, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        let mut state = self.state();
        state.clock += 1;
        let now = state.clock;
        let image = state.images.get_mut(name).ok_or_else(|| absent(name))?;
        let range = range_inside(offset, data.len(), image.data.len())?;
        if !range.is_empty() {
            image.data[range].copy_from_slice(data);
            image.written = now;
            image.writes.push((now, Extent::new(offset, data.len() as u64)));
        }
        Ok(())
    }

    /// Takes a snapshot.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` where the name is taken.
    pub(crate) fn snapshot_create(&self, name: &str, snapshot: &str) -> Result<(), DriverError> {
        let mut state = self.state();
        let image = state.images.get_mut(name).ok_or_else(|| absent(name))?;
        if image.snapshots.contains_key(snapshot) {
            let message = format!("the image {name} has a snapshot {snapshot}");
            return Err(DriverError::conflict(message));
        }
        image.snapshots.insert(snapshot.to_owned(), (image.written, image.data.clone()));
        Ok(())
    }

    /// Removes a snapshot; what is absent succeeds.
    pub(crate) fn snapshot_delete(&self, name: &str, snapshot: &str) {
        if let Some(image) = self.state().images.get_mut(name) {
            image.snapshots.remove(snapshot);
        }
    }

    /// # Errors
    /// `NotFound`, or `Conflict` where the other name is taken.
    pub(crate) fn snapshot_rename(
        &self,
        name: &str,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        let mut state = self.state();
        let snapshots = &mut state.images.get_mut(name).ok_or_else(|| absent(name))?.snapshots;
        if snapshots.contains_key(to) {
            return Err(DriverError::conflict(format!("the image {name} has a snapshot {to}")));
        }
        let renamed = snapshots.remove(from).ok_or_else(|| {
            DriverError::not_found(format!("the image {name} has no snapshot {from}"))
        })?;
        snapshots.insert(to.to_owned(), renamed);
        Ok(())
    }
}

fn absent(name: &str) -> DriverError {
    DriverError::not_found(format!("there is no image {name}"))
}

/// The range of a piece of a disk.
///
/// # Errors
/// `InvalidInput` past the end.
pub(crate) fn range_inside(
    offset: u64,
    length: usize,
    size: usize,
) -> Result<std::ops::Range<usize>, DriverError> {
    let beyond = || DriverError::beyond_end(offset, length as u64, size as u64);
    let start = usize::try_from(offset).map_err(|_| beyond())?;
    let end = start.checked_add(length).filter(|end| *end <= size).ok_or_else(beyond)?;
    Ok(start..end)
}
