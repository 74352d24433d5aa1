use std::sync::Arc;

use firn_driver_sdk::DriverError;

use crate::cluster::Pool;
use crate::clusters::{Clusters, Role};
use crate::errno::is_shut_out;
use crate::image::{Image, Mode};
use crate::location::Place;
use crate::snapshot::Snapshot;

/// Opens one image, again where a connection was lost.
#[derive(Clone, Debug)]
pub(crate) struct Opener {
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) place: Place,
    pub(crate) snapshot: Option<String>,
}

impl Opener {
    /// For reading.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Unavailable`.
    pub(crate) fn open(&self) -> Result<Image, DriverError> {
        self.open_as(Role::Read, self.snapshot.as_deref(), Mode::ReadOnly)
    }

    /// The image itself for reading, whatever was asked for: it tells what there is now.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub(crate) fn open_head(&self) -> Result<Image, DriverError> {
        self.open_as(Role::Read, None, Mode::ReadOnly)
    }

    /// The snapshot that is opened; `None` for the image itself.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn snapshot_of(&self, image: &Image) -> Result<Option<Snapshot>, DriverError> {
        let Some(name) = &self.snapshot else { return Ok(None) };
        let mut snapshots = image.snapshots()?.into_iter();
        let found = snapshots.find(|one| one.name.to_bytes() == name.as_bytes());
        found.map(Some).ok_or_else(|| {
            DriverError::not_found(format!("{} does not exist any more", image.label()))
        })
    }

    /// For making and removing snapshots.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub(crate) fn open_for_snapshots(&self) -> Result<Image, DriverError> {
        self.open_as(Role::Snapshot, None, Mode::ReadWrite)
    }

    /// For writing, by us alone.
    ///
    /// # Errors
    /// `Conflict` where somebody else has it open.
    pub(crate) fn open_for_writing(&self) -> Result<Image, DriverError> {
        // A look that leaves no trace first: librbd would ask a VM for its lock, and get it.
        if self.look_before_writing()?.is_watched()? {
            return Err(DriverError::conflict(format!(
                "{} is in use: shut down the VM that has it before it is written to",
                self.place
            )));
        }
        let image = self.open_as(Role::Write, None, Mode::ReadWrite)?;
        if image.has_exclusive_lock()? {
            image.lock()?;
        }
        Ok(image)
    }

    /// For the user that writes to look, without a trace.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub(crate) fn look_before_writing(&self) -> Result<Image, DriverError> {
        self.open_as(Role::Write, None, Mode::ReadOnly)
    }

    /// Makes the image and opens it for writing.
    ///
    /// # Errors
    /// `Conflict` where it exists.
    pub(crate) fn create(&self, size_bytes: u64) -> Result<Image, DriverError> {
        let pool = self.clusters.pool(&self.place, Role::Write)?;
        let data_pool = self.clusters.settings_of(&self.place.fsid)?.data_pool;
        Image::create(&pool, &self.place, size_bytes, data_pool.as_deref())?;
        self.open_for_writing()
    }

    fn open_as(
        &self,
        role: Role,
        snapshot: Option<&str>,
        mode: Mode,
    ) -> Result<Image, DriverError> {
        self.on_pool(role, |pool| Image::open(pool, &self.place, snapshot, mode))
    }

    /// Runs a call on the image's pool, and once more on a new connection where the cluster has shut
    /// out the one that was there.
    ///
    /// # Errors
    /// Those of [`Clusters::pool`] and of the call.
    pub(crate) fn on_pool<T>(
        &self,
        role: Role,
        call: impl Fn(Pool) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        let pool = self.clusters.pool(&self.place, role)?;
        let cluster = Arc::clone(pool.cluster());
        match call(pool) {
            Err(error) if is_shut_out(&error) => {
                tracing::warn!(%error, place = %self.place, "connecting again");
                self.clusters.give_up(&cluster);
                call(self.clusters.pool(&self.place, role)?)
            }
            answer => answer,
        }
    }
}
