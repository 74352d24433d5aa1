use std::sync::Arc;

use firn_driver_sdk::{Disk, DriverError, ErrorKind, Extent, ExtentList, ReadRequest};
use parking_lot::RwLock;

use crate::aio::Action;
use crate::buffers::Buffers;
use crate::changes;
use crate::control::Control;
use crate::image::Image;
use crate::opener::Opener;
use crate::token::Token;
use crate::transfer::Transfer;
use crate::witness::Witness;

/// An opened image or snapshot.
#[derive(Debug)]
pub(crate) struct RbdDisk {
    opener: Opener,
    /// `None` once closed.
    image: RwLock<Option<Arc<Image>>>,
    image_id: String,
    size_bytes: u64,
    /// Of what is only read.
    witness: Option<Witness>,
    buffers: Arc<Buffers>,
    control: Arc<Control>,
}

impl RbdDisk {
    /// Opens what the opener names, for reading.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub(crate) fn to_read(opener: Opener) -> Result<Self, DriverError> {
        let image = opener.open()?;
        let witness = Witness::of(&opener, &image)?;
        Self::new(opener, image, Some(witness))
    }

    /// Takes over an image that is open for writing.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn to_write(opener: Opener, image: Image) -> Result<Self, DriverError> {
        Self::new(opener, image, None)
    }

    fn new(opener: Opener, image: Image, witness: Option<Witness>) -> Result<Self, DriverError> {
        let control = Arc::new(Control::new(opener.clusters.settings().silence()));
        Ok(Self {
            image_id: image.id()?,
            size_bytes: image.size_bytes()?,
            image: RwLock::new(Some(Arc::new(image))),
            opener,
            witness,
            buffers: Arc::default(),
            control,
        })
    }

    fn check(&self, offset: u64, length: u64) -> Result<(), DriverError> {
        self.control.check()?;
        match offset.checked_add(length) {
            Some(end) if end <= self.size_bytes => Ok(()),
            _ => Err(DriverError::beyond_end(offset, length, self.size_bytes)),
        }
    }

    fn is_writable(&self) -> bool {
        self.witness.is_none()
    }

    fn check_writable(&self) -> Result<(), DriverError> {
        if self.is_writable() {
            return Ok(());
        }
        Err(DriverError::forbidden(format!("{} is open for reading only", self.opener.place)))
    }

    fn image(&self) -> Result<Arc<Image>, DriverError> {
        let closed = || DriverError::conflict(format!("{} is closed", self.opener.place));
        self.image.read().clone().ok_or_else(closed)
    }

    /// Runs a call that only reads, and once more on a new connection where this one has failed:
    /// one that the cluster has blocklisted never works again.
    fn reading<T>(
        &self,
        mut call: impl FnMut(&Arc<Image>) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        self.control.check()?;
        let image = self.image()?;
        let error = match call(&image) {
            Err(error) if error.kind() == ErrorKind::Unavailable && !self.is_writable() => error,
            other => return other,
        };
        tracing::warn!(%error, image = image.label(), "opening it again");
        let again = self.open_again(&image)?;
        drop(image);
        call(&again)
    }

    /// # Errors
    /// `Conflict` where it is another image now.
    fn open_again(&self, failed: &Arc<Image>) -> Result<Arc<Image>, DriverError> {
        // A reader that waited for another's new connection takes it over.
        let now = self.image()?;
        if !Arc::ptr_eq(&now, failed) {
            return Ok(now);
        }
        let (opener, old) = (self.opener.clone(), Arc::clone(failed));
        let (id, size_bytes) = (self.image_id.clone(), self.size_bytes);
        let again = self.control.run(move || {
            if let Some(pool) = old.pool() {
                opener.clusters.give_up(pool.cluster());
            }
            drop(old);
            let image = opener.open()?;
            if image.id()? != id || image.size_bytes()? != size_bytes {
                return Err(DriverError::conflict(format!(
                    "{} was replaced while it was read",
                    image.label()
                )));
            }
            Ok(Arc::new(image))
        })?;
        let mut image = self.image.write();
        if image.as_ref().is_some_and(|now| Arc::ptr_eq(now, failed)) {
            *image = Some(Arc::clone(&again));
        }
        Ok(again)
    }

    fn transfer<T>(
        &self,
        action: Action,
        call: impl FnOnce(Transfer<'_>) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        let image = self.image()?;
        call(Transfer::new(&image, &self.buffers, &self.control, action))
    }
}

impl Disk for RbdDisk {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        for request in &*requests {
            self.check(request.offset, request.buffer.len() as u64)?;
        }
        self.reading(|image| {
            Transfer::new(image, &self.buffers, &self.control, Action::Read).read(requests)
        })
    }

    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        self.control.check()?;
        let Some(range) = range.intersection(&Extent::new(0, self.size_bytes)) else {
            return Ok(ExtentList::new());
        };
        self.reading(|image| changes::allocated(image, range, &self.control))
    }

    fn change_token(&self) -> Result<Option<String>, DriverError> {
        self.reading(|image| changes::token(&self.opener, image))?
            .map(|token| token.to_text())
            .transpose()
    }

    fn extents_changed(&self, from: &str) -> Result<ExtentList, DriverError> {
        let from = Token::parse(from)?;
        self.reading(|image| changes::changed(&self.opener, image, &from, &self.control))
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        self.check_writable()?;
        self.check(offset, data.len() as u64)?;
        self.transfer(Action::Write, |transfer| transfer.write(offset, data))
    }

    fn zero(&self, extent: Extent) -> Result<(), DriverError> {
        self.check_writable()?;
        self.check(extent.offset, extent.length)?;
        self.transfer(Action::Zero, |transfer| transfer.zero(extent))
    }

    fn flush(&self) -> Result<(), DriverError> {
        self.control.check()?;
        match self.is_writable() {
            true => self.transfer(Action::Flush, |transfer| transfer.flush()),
            false => Ok(()),
        }
    }

    fn cancel(&self) {
        self.control.cancel();
    }

    fn close(&self) -> Result<(), DriverError> {
        let Some(image) = self.image.write().take() else { return Ok(()) };
        match &self.witness {
            // Nobody wants what was read before a cancel.
            Some(witness) if !self.control.is_cancelled() => witness.check(&self.opener, &image),
            _ => Ok(()),
        }
    }
}
