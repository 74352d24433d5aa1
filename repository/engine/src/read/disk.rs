use std::sync::Arc;

use firn_core::{Extent, ExtentList};
use parking_lot::Mutex;

use super::lru::Lru;
use super::map_reader;
use crate::chunk::ChunkId;
use crate::fetch::FetchError;
use crate::format::NODE_FANOUT;
use crate::map::MapReader;
use crate::pack::Decoder;
use crate::repository::{Inner, Repository};
use crate::{DiskRecord, RepositoryError, Result};

/// Plain chunks that a reader keeps.
const CACHE_BYTES: usize = 32 << 20;

/// Random reads of a disk in the repository. A read decodes the chunks it touches, no others.
pub struct DiskReader {
    inner: Arc<Inner>,
    map: MapReader,
    device: String,
    cache: Mutex<Lru>,
    decoders: Mutex<Vec<Decoder>>,
}

impl Repository {
    /// Opens a disk for random reads.
    pub fn open_disk(&self, disk: &DiskRecord, domain: &str) -> Result<DiskReader> {
        Ok(DiskReader {
            inner: Arc::clone(self.inner()),
            map: map_reader(self.inner(), disk, domain)?,
            device: disk.device.clone(),
            cache: Mutex::new(Lru::new(CACHE_BYTES)),
            decoders: Mutex::default(),
        })
    }
}

impl DiskReader {
    /// Size in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.map.root().size_bytes
    }

    /// Fills `buffer` with the bytes from `offset` on. From any number of threads.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size_bytes()) {
            return Err(RepositoryError::Invalid {
                what: format!(
                    "{} bytes at {offset} are beyond the disk's {} bytes",
                    buffer.len(),
                    self.size_bytes()
                ),
            });
        }
        let chunk_bytes = u64::from(self.inner.chunk_size.bytes());
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let within = at % chunk_bytes;
            let length = (chunk_bytes - within).min(rest.len() as u64) as usize;
            let (now, later) = rest.split_at_mut(length);
            match self.chunk_id(at / chunk_bytes)? {
                None => now.fill(0),
                Some(id) => {
                    let chunk = self.chunk(at / chunk_bytes, &id)?;
                    now.copy_from_slice(&chunk[within as usize..within as usize + length]);
                }
            }
            at += length as u64;
            rest = later;
        }
        Ok(())
    }

    /// Where data is stored, by whole chunks cut at the disk's end; everything else is zero.
    pub fn data_extents(&self) -> Result<ExtentList> {
        let chunk_bytes = u64::from(self.inner.chunk_size.bytes());
        let size = self.size_bytes();
        let mut extents = ExtentList::new();
        let leaves = size.div_ceil(chunk_bytes).div_ceil(NODE_FANOUT as u64);
        for place in 0..leaves {
            let leaf = self.map.leaf(place).map_err(|error| self.lost(place, true, error))?;
            let Some(leaf) = leaf else { continue };
            for (child, id) in leaf.children.iter().enumerate() {
                let start = (place * NODE_FANOUT as u64 + child as u64) * chunk_bytes;
                if id.is_some() && start < size {
                    extents.push(Extent::new(start, chunk_bytes.min(size - start)));
                }
            }
        }
        Ok(extents)
    }

    fn chunk_id(&self, chunk: u64) -> Result<Option<ChunkId>> {
        let fanout = NODE_FANOUT as u64;
        let leaf = self
            .map
            .leaf(chunk / fanout)
            .map_err(|error| self.lost(chunk / fanout, true, error))?;
        Ok(leaf.and_then(|leaf| leaf.children[(chunk % fanout) as usize]))
    }

    fn chunk(&self, place: u64, id: &ChunkId) -> Result<Arc<Vec<u8>>> {
        if let Some(chunk) = self.cache.lock().get(id) {
            return Ok(chunk);
        }
        let decoder = self.decoders.lock().pop();
        let mut decoder = match decoder {
            Some(decoder) => decoder,
            None => Decoder::new()?,
        };
        let plain = self.inner.fetch(&mut decoder, self.map.domain(), id, self.map.since());
        self.decoders.lock().push(decoder);
        let plain = plain.map_err(|error| self.lost(place, false, error))?;
        if plain.len() != self.inner.chunk_size.bytes() as usize {
            let error = FetchError::Damaged {
                object: format!("chunk {id}"),
                what: "it has another length than all chunks".to_owned(),
            };
            return Err(self.lost(place, false, error));
        }
        let chunk = Arc::new(plain);
        self.cache.lock().put(*id, Arc::clone(&chunk));
        Ok(chunk)
    }

    /// Names the bytes of the disk that an unreadable chunk or leaf stands for.
    fn lost(&self, place: u64, leaf: bool, error: FetchError) -> RepositoryError {
        let (object, what) = match error {
            FetchError::Other(error) => return error,
            FetchError::Damaged { object, what } => (object, what),
        };
        let chunks = if leaf { NODE_FANOUT as u64 } else { 1 };
        let bytes = u64::from(self.inner.chunk_size.bytes()) * chunks;
        let start = place * bytes;
        let range = Extent::new(start, bytes.min(self.size_bytes().saturating_sub(start)));
        RepositoryError::ChunkDamaged { device: self.device.clone(), range, object, what }
    }
}
