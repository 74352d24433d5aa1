//! A disk behind the ABI.
#![allow(unsafe_code)] // Calls the driver's functions.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use firn_driver_abi as abi;
use firn_driver_sdk::{Disk, DriverError, Extent, ExtentList, ReadRequest};

use crate::call::{extents, optional_text, outcome};
use crate::driver::Inner;

/// A disk that a [`LoadedDriver`](crate::LoadedDriver) opened. Released when dropped.
pub(crate) struct LoadedDisk {
    driver: Arc<Inner>,
    handle: *mut abi::DiskHandle,
    size_bytes: u64,
    /// Whether `close` was called. Calls hold it shared, `close` alone: a driver in C need not
    /// think of a close while it reads.
    closed: RwLock<bool>,
}

// SAFETY: the ABI demands of every function that it may be called from any thread.
unsafe impl Send for LoadedDisk {}
// SAFETY: as above, several at once.
unsafe impl Sync for LoadedDisk {}

impl Drop for LoadedDisk {
    fn drop(&mut self) {
        // SAFETY: the handle lives until here, and `&mut self` means that no call runs.
        unsafe { (self.driver.table.disk.required.release)(self.handle) };
    }
}

impl LoadedDisk {
    /// # Safety
    /// `handle` is a disk of `driver` that nobody else has.
    pub(crate) unsafe fn new(driver: Arc<Inner>, handle: *mut abi::DiskHandle) -> Self {
        // SAFETY: a checked function and a handle that lives.
        let size_bytes = unsafe { (driver.table.disk.required.size_bytes)(handle) };
        Self { driver, handle, size_bytes, closed: RwLock::new(false) }
    }

    /// Keeps the disk open for the duration of a call.
    fn in_use(&self) -> Result<RwLockReadGuard<'_, bool>, DriverError> {
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(DriverError::conflict("the disk was closed"));
        }
        Ok(closed)
    }

    fn whole(&self) -> Extent {
        Extent::new(0, self.size_bytes)
    }
}

// Safety of all calls below: the functions were checked at load, the handle lives as long as
// `self`, inputs outlive the call, and out pointers are ours.
impl Disk for LoadedDisk {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        let _open = self.in_use()?;
        let raw: Vec<_> = requests
            .iter_mut()
            .map(|request| abi::ReadRequest {
                offset: request.offset,
                buffer: request.buffer.as_mut_ptr(),
                length: request.buffer.len(),
            })
            .collect();
        // SAFETY: see above; the buffers are borrowed by `requests` until the call is over.
        unsafe {
            outcome(|report| {
                (self.driver.table.disk.required.read)(self.handle, raw.as_ptr(), raw.len(), report)
            })
        }
    }

    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        let _open = self.in_use()?;
        let Some(range) = range.intersection(&self.whole()) else { return Ok(ExtentList::new()) };
        let Some(extents_allocated) = self.driver.table.disk.extents_allocated else {
            return Ok([range].into_iter().collect());
        };
        let mut answer = abi::Extents::none();
        // SAFETY: see above.
        unsafe {
            outcome(|report| {
                extents_allocated(self.handle, range.offset, range.length, &raw mut answer, report)
            })?;
            extents(&mut answer, range)
        }
    }

    fn change_token(&self) -> Result<Option<String>, DriverError> {
        let _open = self.in_use()?;
        let Some(table) = &self.driver.table.changes else { return Ok(None) };
        let mut token = abi::Text::none();
        // SAFETY: see above.
        unsafe {
            outcome(|report| (table.change_token)(self.handle, &raw mut token, report))?;
            optional_text(&mut token, "change token")
        }
    }

    fn extents_changed(&self, from: &str) -> Result<ExtentList, DriverError> {
        let _open = self.in_use()?;
        let Some(table) = &self.driver.table.changes else {
            return Err(DriverError::unsupported("extents_changed"));
        };
        let mut answer = abi::Extents::none();
        // SAFETY: see above.
        unsafe {
            outcome(|report| {
                (table.extents_changed)(self.handle, abi::Str::new(from), &raw mut answer, report)
            })?;
            extents(&mut answer, self.whole())
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        let _open = self.in_use()?;
        let Some(table) = &self.driver.table.write else { return Err(read_only()) };
        // SAFETY: see above.
        unsafe {
            outcome(|report| (table.write)(self.handle, offset, data.as_ptr(), data.len(), report))
        }
    }

    fn zero(&self, extent: Extent) -> Result<(), DriverError> {
        let _open = self.in_use()?;
        let Some(table) = &self.driver.table.write else { return Err(read_only()) };
        // SAFETY: see above.
        unsafe { outcome(|report| (table.zero)(self.handle, extent.offset, extent.length, report)) }
    }

    fn flush(&self) -> Result<(), DriverError> {
        let _open = self.in_use()?;
        let Some(table) = &self.driver.table.write else { return Ok(()) };
        // SAFETY: see above.
        unsafe { outcome(|report| (table.flush)(self.handle, report)) }
    }

    fn cancel(&self) {
        // SAFETY: see above. Not held back by `closed`: it must get through while others wait.
        unsafe { (self.driver.table.disk.required.cancel)(self.handle) };
    }

    fn close(&self) -> Result<(), DriverError> {
        let mut closed = self.closed.write().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *closed, true) {
            return Ok(());
        }
        // SAFETY: see above; no other call but `cancel` runs.
        unsafe { outcome(|report| (self.driver.table.disk.required.close)(self.handle, report)) }
    }
}

/// Without functions to write with, every disk is read-only: `open` refuses any other access.
fn read_only() -> DriverError {
    DriverError::forbidden("the disk is open read-only")
}
