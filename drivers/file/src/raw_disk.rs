use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use firn_driver_sdk::{Disk, DriverError, Extent, ExtentList, ReadRequest};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise};
use nix::unistd::{Whence, lseek};

use crate::chain::Part;
use crate::uncached::UncachedFile;

/// A cancel is looked for after so many bytes.
const STEP_BYTES: usize = 4 << 20;

/// A disk whose bytes lie as they are in a file or block device.
#[derive(Debug)]
pub(crate) struct RawDisk {
    part: Part,
    size_bytes: u64,
    writable: bool,
    /// For writes, where the file system can.
    direct: Option<UncachedFile>,
    cancelled: AtomicBool,
    closed: AtomicBool,
}

impl RawDisk {
    /// Takes over an open, locked file.
    ///
    /// # Errors
    /// What the system answers when asked for the size.
    pub(crate) fn new(part: Part, writable: bool) -> Result<Self, DriverError> {
        let size_bytes = part.opened.size_bytes()?;
        if !writable {
            // Only advice: what comes of it does not matter.
            let _ =
                posix_fadvise(&part.opened.file, 0, 0, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
        }
        let direct = writable.then(|| UncachedFile::open(&part.opened.file)).flatten();
        Ok(Self {
            part,
            size_bytes,
            writable,
            direct,
            cancelled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    fn check(&self, offset: u64, length: u64) -> Result<(), DriverError> {
        self.check_cancelled()?;
        match offset.checked_add(length) {
            Some(end) if end <= self.size_bytes => Ok(()),
            _ => Err(DriverError::beyond_end(offset, length, self.size_bytes)),
        }
    }

    fn check_writable(&self) -> Result<(), DriverError> {
        if self.writable {
            return Ok(());
        }
        let message = format!("{} is open for reading only", self.part.opened.path.display());
        Err(DriverError::forbidden(message))
    }

    fn check_cancelled(&self) -> Result<(), DriverError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(DriverError::cancelled()) } else { Ok(()) }
    }

    fn failed(&self, doing: &str, source: io::Error) -> DriverError {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return DriverError::conflict(format!(
                "{} became shorter while it was read: run the backup again",
                self.part.opened.path.display()
            ));
        }
        let damaged = source.raw_os_error() == Some(Errno::EIO as i32);
        let doing = format!("{doing} {}", self.part.opened.path.display());
        if damaged {
            let message = format!("cannot {doing}: the storage below it is damaged");
            return DriverError::integrity(message).with_source(source);
        }
        DriverError::io(doing, source)
    }

    fn write_part(&self, part: &[u8], at: u64) -> io::Result<()> {
        if let Some(direct) = &self.direct
            && direct.write_all_at(part, at)?
        {
            return Ok(());
        }
        self.part.opened.file.write_all_at(part, at)
    }

    /// The first byte at or after `offset` that is data, or is a hole.
    fn seek(&self, offset: u64, whence: Whence) -> nix::Result<u64> {
        let offset = i64::try_from(offset).map_err(|_| Errno::ENXIO)?;
        lseek(self.part.opened.file.as_fd(), offset, whence).map(|found| found as u64)
    }
}

impl Disk for RawDisk {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        for request in &*requests {
            self.check(request.offset, request.buffer.len() as u64)?;
        }
        // The system fetches the later ones while the first is copied.
        for request in requests.iter().skip(1) {
            let _ = posix_fadvise(
                &self.part.opened.file,
                request.offset as i64,
                request.buffer.len() as i64,
                PosixFadviseAdvice::POSIX_FADV_WILLNEED,
            );
        }
        for request in requests {
            let mut at = request.offset;
            for part in request.buffer.chunks_mut(STEP_BYTES) {
                self.check_cancelled()?;
                self.part
                    .opened
                    .file
                    .read_exact_at(part, at)
                    .map_err(|source| self.failed("read", source))?;
                at += part.len() as u64;
            }
        }
        self.check_cancelled()
    }

    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        self.check_cancelled()?;
        let range = range.intersection(&Extent::new(0, self.size_bytes));
        let Some(range) = range else { return Ok(ExtentList::new()) };
        let mut data = ExtentList::new();
        if self.part.opened.block {
            data.push(range);
            return Ok(data);
        }
        let mut at = range.offset;
        while at < range.end() {
            self.check_cancelled()?;
            let start = match self.seek(at, Whence::SeekData) {
                Ok(start) => start.max(at),
                Err(Errno::ENXIO) => break,
                // No such calls on this file system: anything may be data.
                Err(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOSYS) => at,
                Err(error) => return Err(self.failed("find the data of", error.into())),
            };
            if start >= range.end() {
                break;
            }
            let end = match self.seek(start, Whence::SeekHole) {
                Ok(end) if end > start => end,
                _ => range.end(),
            };
            let end = end.min(range.end());
            data.push(Extent::new(start, end - start));
            at = end;
        }
        Ok(data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        self.check_writable()?;
        self.check(offset, data.len() as u64)?;
        let mut at = offset;
        for part in data.chunks(STEP_BYTES) {
            self.check_cancelled()?;
            self.write_part(part, at).map_err(|source| self.failed("write", source))?;
            at += part.len() as u64;
        }
        Ok(())
    }

    fn zero(&self, extent: Extent) -> Result<(), DriverError> {
        self.check_writable()?;
        self.check(extent.offset, extent.length)?;
        if extent.length == 0 {
            return Ok(());
        }
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let (offset, length) = (extent.offset as i64, extent.length as i64);
        match fallocate(&self.part.opened.file, flags, offset, length) {
            Ok(()) => Ok(()),
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL) => {
                let zeros = vec![0; STEP_BYTES.min(extent.length as usize)];
                let mut at = extent.offset;
                while at < extent.end() {
                    let length = (extent.end() - at).min(zeros.len() as u64);
                    self.write(at, &zeros[..length as usize])?;
                    at += length;
                }
                Ok(())
            }
            Err(error) => Err(self.failed("zero a part of", error.into())),
        }
    }

    fn flush(&self) -> Result<(), DriverError> {
        if !self.writable {
            return Ok(());
        }
        self.check_cancelled()?;
        self.part.opened.file.sync_data().map_err(|source| self.failed("flush", source))
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn close(&self) -> Result<(), DriverError> {
        let again = self.closed.swap(true, Ordering::Relaxed);
        if self.writable || again { Ok(()) } else { self.part.check_unchanged() }
    }
}
