use firn_core::ExtentList;
use serde::{Deserialize, Serialize};

use crate::ChunkId;

/// Root of a disk's map: with the repository and its key, all that is needed to read the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapRoot {
    /// Size of the disk in bytes.
    pub size_bytes: u64,
    /// Height of the tree: 1 where the root is a leaf.
    pub levels: u8,
    /// Id of the root node; `None` for a disk that is all zero.
    pub node: Option<ChunkId>,
}

/// What to do with a disk in a backup.
///
/// The source is the truth: the engine widens `read`, and what of `zero` does not fill a chunk,
/// to whole chunks and reads those from the source.
#[derive(Clone, Debug)]
pub struct DiskPlan {
    /// Size of the disk in bytes.
    pub size_bytes: u64,
    /// What to read from the source.
    pub read: ExtentList,
    /// What is known to be zero without reading, whatever the base holds. `read` goes first.
    pub zero: ExtentList,
    /// Map of an earlier point of the same domain: everything in neither `read` nor `zero` is
    /// taken from it. Without a base, that is zero.
    pub base: Option<MapRoot>,
    /// zstd level, 1 to 19.
    pub compression_level: i32,
    /// Threads that read, hash and compress; 0 lets the engine choose.
    pub threads: usize,
    /// Bound on the memory of the backup, buffers and all.
    pub memory_bytes: u64,
}

impl DiskPlan {
    /// Default of `memory_bytes`.
    pub const MEMORY_BYTES: u64 = 512 << 20;
    /// Default of `compression_level`.
    pub const COMPRESSION_LEVEL: i32 = 1;

    /// Reads all that is allocated, takes nothing from a base.
    pub fn full(size_bytes: u64, allocated: ExtentList) -> Self {
        Self {
            size_bytes,
            read: allocated,
            zero: ExtentList::new(),
            base: None,
            compression_level: Self::COMPRESSION_LEVEL,
            threads: 0,
            memory_bytes: Self::MEMORY_BYTES,
        }
    }

    /// Reads what changed since `base`; `zero` changed too and is known to be zero now.
    pub fn incremental(size_bytes: u64, read: ExtentList, zero: ExtentList, base: MapRoot) -> Self {
        Self { zero, base: Some(base), ..Self::full(size_bytes, read) }
    }

    /// What the progress callback counts up to: the bytes of `read` within the disk.
    pub fn work_bytes(&self) -> u64 {
        self.read.intersection(&ExtentList::whole(self.size_bytes)).bytes()
    }
}

/// What a backup did with a disk. All in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskStats {
    /// Read from the source.
    pub read_bytes: u64,
    /// Of these, in chunks that are all zero.
    pub zero_bytes: u64,
    /// Of these, in chunks that the repository did not hold before.
    pub new_bytes: u64,
    /// Of these, in chunks that the repository held already.
    pub reused_bytes: u64,
    /// Added to packs for the new chunks and map nodes, compressed and sealed.
    pub stored_bytes: u64,
}

/// A disk in the repository, not yet part of a point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskImage {
    /// How to find its content.
    pub root: MapRoot,
    /// Size of the disk in bytes.
    pub size_bytes: u64,
    /// What storing it took.
    pub stats: DiskStats,
}
