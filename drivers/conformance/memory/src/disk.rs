use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use firn_driver_sdk::{Disk, DriverError, Extent, ExtentList, ReadRequest};

use crate::Medium;
use crate::medium::range_inside;

/// How fine allocation is told, in bytes.
const BLOCK: usize = 4096;

pub(crate) struct MemoryDisk {
    medium: Medium,
    image: String,
    size: usize,
    writable: bool,
    /// Whoever can write keeps the image from being removed.
    _use: Option<Arc<()>>,
    /// The content of an opened snapshot.
    snapshot: Option<Vec<u8>>,
    /// When the image was made, and when what is open was written last.
    version: (u64, u64),
    read_delay: Duration,
    cancelled: AtomicBool,
    closed: AtomicBool,
}

impl MemoryDisk {
    pub(crate) fn open(
        medium: Medium,
        image: String,
        snapshot: Option<&str>,
        writable: bool,
        read_delay: Duration,
    ) -> Result<Self, DriverError> {
        let mut in_use = None;
        let (size, version, snapshot) = medium.with(&image, |found| {
            in_use = writable.then(|| found.hold());
            let (born, written) = found.version();
            let Some(name) = snapshot else {
                return Ok((found.data().len(), (born, written), None));
            };
            let (written, data) = found.snapshot(name).ok_or_else(|| {
                DriverError::not_found(format!("the image {image} has no snapshot {name}"))
            })?;
            Ok((data.len(), (born, *written), Some(data.clone())))
        })?;
        Ok(Self {
            medium,
            image,
            size,
            writable,
            _use: in_use,
            snapshot,
            version,
            read_delay,
            cancelled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    fn check_cancel(&self) -> Result<(), DriverError> {
        match self.cancelled.load(Ordering::Acquire) {
            true => Err(DriverError::cancelled()),
            false => Ok(()),
        }
    }

    fn take_time(&self) -> Result<(), DriverError> {
        let until = Instant::now() + self.read_delay;
        while Instant::now() < until {
            self.check_cancel()?;
            thread::sleep(Duration::from_millis(5));
        }
        self.check_cancel()
    }

    fn with_data<T>(
        &self,
        work: impl FnOnce(&[u8]) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        match &self.snapshot {
            Some(data) => work(data),
            None => self.medium.with(&self.image, |image| work(image.data())),
        }
    }

    fn check_writable(&self) -> Result<(), DriverError> {
        self.check_cancel()?;
        match self.writable {
            true => Ok(()),
            false => Err(DriverError::forbidden("the disk is open read-only")),
        }
    }
}

impl Disk for MemoryDisk {
    fn size_bytes(&self) -> u64 {
        self.size as u64
    }

    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        self.take_time()?;
        self.with_data(|data| {
            for request in requests {
                let range = range_inside(request.offset, request.buffer.len(), data.len())?;
                request.buffer.copy_from_slice(&data[range]);
            }
            Ok(())
        })
    }

    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        self.check_cancel()?;
        let blocks: ExtentList = self.with_data(|data| {
            Ok(data
                .chunks(BLOCK)
                .enumerate()
                .filter(|(_, block)| block.iter().any(|byte| *byte != 0))
                .map(|(at, block)| Extent::new((at * BLOCK) as u64, block.len() as u64))
                .collect())
        })?;
        Ok(blocks.intersection(&[range].into_iter().collect()))
    }

    fn change_token(&self) -> Result<Option<String>, DriverError> {
        self.check_cancel()?;
        let (born, written) = self.version;
        Ok(Some(format!("{born}.{written}")))
    }

    fn extents_changed(&self, from: &str) -> Result<ExtentList, DriverError> {
        self.check_cancel()?;
        let unknown = || DriverError::not_found("the base of this change token is gone");
        let (born, written) = from.split_once('.').ok_or_else(unknown)?;
        let born: u64 = born.parse().map_err(|_| unknown())?;
        let written: u64 = written.parse().map_err(|_| unknown())?;
        if born != self.version.0 || written > self.version.1 {
            return Err(unknown());
        }
        self.medium.with(&self.image, |image| Ok(image.writes_between(written, self.version.1)))
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        self.check_writable()?;
        self.medium.write(&self.image, offset, data)
    }

    fn zero(&self, extent: Extent) -> Result<(), DriverError> {
        self.check_writable()?;
        let beyond = || DriverError::beyond_end(extent.offset, extent.length, self.size_bytes());
        let length = usize::try_from(extent.length).map_err(|_| beyond())?;
        // Before there are as many zeroes.
        range_inside(extent.offset, length, self.size)?;
        self.medium.write(&self.image, extent.offset, &vec![0; length])
    }

    fn flush(&self) -> Result<(), DriverError> {
        self.check_cancel()
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    fn close(&self) -> Result<(), DriverError> {
        let first = !self.closed.swap(true, Ordering::AcqRel);
        if !first || self.writable || self.snapshot.is_some() {
            return Ok(());
        }
        let now = self.medium.with(&self.image, |image| Ok(image.version()));
        match now {
            Ok(now) if now == self.version => Ok(()),
            _ => Err(DriverError::conflict(format!(
                "the image {} changed while it was read; take a snapshot first",
                self.image
            ))),
        }
    }
}
