use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_core::Extent;

use super::buffer::AlignedBuffer;
use super::{Consumer, Scan, Visitor, scan};
use crate::control::Meter;
use crate::format::MAP_LEVELS_MAX;
use crate::map::{MapReader, chunk_count, levels};
use crate::repository::{Inner, Repository};
use crate::{Control, DiskPlan, DiskRecord, RepositoryError, RestoreStats, Result, Sink};

/// Largest read of a pack.
const READ_BYTES: u64 = 4 << 20;

/// Largest write to a sink.
const WRITE_BYTES: u64 = 8 << 20;

/// How to restore a disk.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// Threads that read, decrypt and write; 0 lets the engine choose.
    pub threads: usize,
    /// Bound on the memory of the restore.
    pub memory_bytes: u64,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self { threads: 0, memory_bytes: DiskPlan::MEMORY_BYTES }
    }
}

struct Writer<'a> {
    sink: &'a dyn Sink,
    device: &'a str,
    size_bytes: u64,
    chunk_bytes: u64,
    /// Largest write.
    run_bytes: usize,
    written: AtomicU64,
    meter: Meter<'a>,
}

impl Visitor for Writer<'_> {
    fn consumer(&self) -> Box<dyn Consumer + '_> {
        Box::new(Run { writer: self, buffer: AlignedBuffer::new(self.run_bytes), offset: 0 })
    }

    fn lost(&self, range: Extent, object: String, what: String) -> Result<()> {
        Err(RepositoryError::ChunkDamaged { device: self.device.to_owned(), range, object, what })
    }
}

/// Neighbouring chunks on their way to the sink, which is written in few large parts: storage
/// takes them several times faster than one chunk at a time.
struct Run<'a> {
    writer: &'a Writer<'a>,
    buffer: AlignedBuffer,
    /// Where in the disk the buffer begins.
    offset: u64,
}

impl Run<'_> {
    fn write(&mut self) -> Result<()> {
        let (writer, offset, data) = (self.writer, self.offset, self.buffer.as_slice());
        if !data.is_empty() {
            writer
                .sink
                .write_at(offset, data)
                .map_err(|source| RepositoryError::Sink { offset, source })?;
            writer.written.fetch_add(data.len() as u64, Ordering::Relaxed);
            writer.meter.add(data.len() as u64);
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Consumer for Run<'_> {
    fn chunk(&mut self, places: &[u64], plain: &[u8]) -> Result<()> {
        let writer = self.writer;
        if plain.len() as u64 != writer.chunk_bytes {
            return Err(RepositoryError::Damaged {
                object: format!("map of {}", writer.device),
                what: "a chunk has another length than all chunks".to_owned(),
            });
        }
        for chunk in places {
            let offset = chunk * writer.chunk_bytes;
            let length = writer.chunk_bytes.min(writer.size_bytes - offset) as usize;
            let next = self.offset + self.buffer.as_slice().len() as u64;
            if offset != next || self.buffer.room() < length {
                self.write()?;
                self.offset = offset;
            }
            self.buffer.extend(&plain[..length]);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.write()
    }
}

impl Repository {
    /// Writes a disk's data to a sink that holds zeros; everything not written is zero. The
    /// progress callback counts written bytes. Ends with the first range that cannot be had.
    pub fn restore_disk(
        &self,
        disk: &DiskRecord,
        domain: &str,
        sink: &dyn Sink,
        options: RestoreOptions,
        control: &Control,
    ) -> Result<RestoreStats> {
        let inner = self.inner();
        let map = map_reader(inner, disk, domain)?;
        let threads = thread_count(options.threads);
        let chunk_bytes = u64::from(inner.chunk_size.bytes());
        // A part each for what is queued, read, decoded and on its way out.
        let share = options.memory_bytes / (4 * threads as u64);
        let writer = Writer {
            sink,
            device: &disk.device,
            size_bytes: disk.size_bytes,
            chunk_bytes,
            run_bytes: share.clamp(chunk_bytes, WRITE_BYTES) as usize,
            written: AtomicU64::new(0),
            meter: Meter::new(control),
        };
        let read_bytes = scan(
            &Scan {
                inner,
                map: &map,
                control,
                threads,
                read_bytes: share.clamp(chunk_bytes, READ_BYTES),
            },
            &writer,
        )?;
        Ok(RestoreStats { written_bytes: writer.written.into_inner(), read_bytes })
    }
}

pub(crate) fn thread_count(wanted: usize) -> usize {
    if wanted > 0 {
        return wanted.min(64);
    }
    // More would only wait for each other: a file takes one write at a time.
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    cores.clamp(2, 16)
}

/// The map of a disk, once its root makes sense.
pub(crate) fn map_reader(inner: &Arc<Inner>, disk: &DiskRecord, domain: &str) -> Result<MapReader> {
    let chunks = chunk_count(disk.root.size_bytes, inner.chunk_size.bytes());
    if disk.root.size_bytes != disk.size_bytes
        || disk.root.levels > MAP_LEVELS_MAX
        || disk.root.levels != levels(chunks)
    {
        return Err(RepositoryError::Invalid {
            what: format!("disk {} and its map differ in size", disk.device),
        });
    }
    let keys = inner.keyring.domain(domain);
    Ok(MapReader::new(Arc::clone(inner), keys, disk.root.clone()))
}
