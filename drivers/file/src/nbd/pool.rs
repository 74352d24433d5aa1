use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firn_driver_sdk::{DriverError, Extent, ExtentList, ReadRequest};
use parking_lot::{Condvar, Mutex};

use super::client::{Connection, Piece};

/// Longer requests are cut, so that their parts are decompressed, read and sent side by side. Of
/// 64 KiB to 1 MiB this was the fastest: the pieces in flight stay in the processor's cache.
const PIECE_BYTES: usize = 128 << 10;
const TICK: Duration = Duration::from_millis(50);

/// The connections of one disk. Every caller has one to itself while it reads.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    returned: Condvar,
    allocation: Mutex<Connection>,
    cancel: AtomicBool,
    size_bytes: u64,
}

#[derive(Debug)]
struct Idle {
    connections: Vec<Connection>,
    /// Idle or lent, not lost.
    live: usize,
}

impl Pool {
    pub(super) fn new(data: Vec<Connection>, allocation: Connection) -> Result<Self, DriverError> {
        let live = data.len();
        Ok(Self {
            size_bytes: allocation.size_bytes()?,
            idle: Mutex::new(Idle { connections: data, live }),
            returned: Condvar::new(),
            allocation: Mutex::new(allocation),
            cancel: AtomicBool::new(false),
        })
    }

    /// Size of the disk as QEMU sees it.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills every buffer. The requests lie within the disk.
    ///
    /// # Errors
    /// `Integrity` where the image cannot be read, `Unavailable` where QEMU is gone.
    pub(crate) fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        let mut pieces: Vec<Piece<'_>> = Vec::with_capacity(requests.len());
        for request in requests {
            let cut = request.buffer.chunks_mut(PIECE_BYTES).enumerate();
            pieces.extend(
                cut.map(|(index, part)| (request.offset + (index * PIECE_BYTES) as u64, part)),
            );
        }
        if pieces.is_empty() {
            return self.check_cancelled();
        }
        let mut connection = self.take()?;
        let result = connection.read(&mut pieces, &self.cancel);
        self.give_back(connection);
        self.check_cancelled().and(result)
    }

    /// The parts of `range` that do not surely read as zero. `range` lies within the disk.
    ///
    /// # Errors
    /// As [`Pool::read`].
    pub(crate) fn allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        let mut connection = loop {
            self.check_cancelled()?;
            if let Some(connection) = self.allocation.try_lock_for(TICK) {
                break connection;
            }
        };
        let result = connection.allocated(range, &self.cancel);
        // One that was cancelled leaves a lost connection to the next.
        self.check_cancelled().and(result)
    }

    /// Ends what runs and what comes.
    pub(crate) fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
        self.returned.notify_all();
    }

    /// # Errors
    /// Where [`Pool::cancel`] was called.
    pub(crate) fn check_cancelled(&self) -> Result<(), DriverError> {
        if self.cancel.load(Ordering::Relaxed) { Err(DriverError::cancelled()) } else { Ok(()) }
    }

    fn take(&self) -> Result<Connection, DriverError> {
        let mut idle = self.idle.lock();
        loop {
            self.check_cancelled()?;
            if let Some(connection) = idle.connections.pop() {
                return Ok(connection);
            }
            if idle.live == 0 {
                return Err(DriverError::unavailable("qemu-nbd ended while the disk was read"));
            }
            self.returned.wait_for(&mut idle, TICK);
        }
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if connection.is_live() {
            idle.connections.push(connection);
        } else {
            idle.live -= 1;
        }
        drop(idle);
        self.returned.notify_one();
    }
}
