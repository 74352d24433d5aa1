use firn_driver_sdk::{Disk, DriverError, Extent, ExtentList, ReadRequest};
use parking_lot::Mutex;

use crate::chain::Chain;
use crate::changes;
use crate::config::Settings;
use crate::direct::Direct;
use crate::nbd::{Pool, Server, graph};

/// A cancel is looked for after so many bytes.
const STEP_BYTES: usize = 4 << 20;

/// A qcow2 image, read-only.
#[derive(Debug)]
pub(crate) struct Qcow2Disk {
    chain: Chain,
    direct: Direct,
    size_bytes: u64,
    pool: Pool,
    /// `None` once closed.
    server: Mutex<Option<Server>>,
}

impl Qcow2Disk {
    /// Starts QEMU on an open, locked chain.
    ///
    /// # Errors
    /// `Unavailable` where QEMU does not start, `Integrity` where it sees another disk than we.
    pub(crate) fn new(settings: &Settings, chain: Chain) -> Result<Self, DriverError> {
        let size_bytes = chain.header()?.size_bytes;
        let (graph, files) = graph(&chain);
        let (server, pool) = Server::start(settings, &graph, files)?;
        if pool.size_bytes() != size_bytes {
            return Err(DriverError::integrity(format!(
                "the image's header gives {size_bytes} bytes, QEMU {}: run qemu-img check",
                pool.size_bytes()
            )));
        }
        let direct = Direct::new(&chain);
        Ok(Self { chain, direct, size_bytes, pool, server: Mutex::new(Some(server)) })
    }

    fn check(&self, offset: u64, length: u64) -> Result<(), DriverError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size_bytes => Ok(()),
            _ => Err(DriverError::beyond_end(offset, length, self.size_bytes)),
        }
    }

    fn explain(&self, error: DriverError) -> DriverError {
        match &*self.server.lock() {
            Some(server) => server.explain(error),
            None => error,
        }
    }
}

fn read_only() -> DriverError {
    DriverError::forbidden("a qcow2 disk is open for reading only")
}

impl Disk for Qcow2Disk {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        self.pool.check_cancelled()?;
        for request in &*requests {
            self.check(request.offset, request.buffer.len() as u64)?;
        }
        let mut by_qemu = Vec::new();
        for request in requests {
            let mut offset = request.offset;
            for buffer in request.buffer.chunks_mut(STEP_BYTES) {
                self.pool.check_cancelled()?;
                let step = buffer.len() as u64;
                self.direct.read(&self.chain, ReadRequest { offset, buffer }, &mut by_qemu);
                offset += step;
            }
        }
        self.pool.read(&mut by_qemu).map_err(|error| self.explain(error))
    }

    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        self.pool.check_cancelled()?;
        match range.intersection(&Extent::new(0, self.size_bytes)) {
            Some(range) => self.pool.allocated(range).map_err(|error| self.explain(error)),
            None => Ok(ExtentList::new()),
        }
    }

    fn change_token(&self) -> Result<Option<String>, DriverError> {
        self.pool.check_cancelled()?;
        changes::token(&self.chain)
    }

    fn extents_changed(&self, from: &str) -> Result<ExtentList, DriverError> {
        self.pool.check_cancelled()?;
        changes::changed(&self.chain, from)
    }

    fn write(&self, _offset: u64, _data: &[u8]) -> Result<(), DriverError> {
        Err(read_only())
    }

    fn zero(&self, _extent: Extent) -> Result<(), DriverError> {
        Err(read_only())
    }

    fn flush(&self) -> Result<(), DriverError> {
        Ok(())
    }

    fn cancel(&self) {
        self.pool.cancel();
    }

    fn close(&self) -> Result<(), DriverError> {
        // A call that still runs would keep its connection; none may come after this.
        self.pool.cancel();
        if self.server.lock().take().is_none() {
            return Ok(());
        }
        self.chain.parts().try_for_each(|part| part.check_unchanged())
    }
}
