use firn_core::{DiskId, Extent, PointId};
use serde::{Deserialize, Serialize};

/// What a verification looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerifyScope {
    /// The part of the chunks to read, over 0 and up to 1, chosen at random; `None` reads all.
    pub sample: Option<f64>,
    /// Only these points and what they need; `None` looks at the whole repository.
    pub points: Option<Vec<PointId>>,
}

/// Bytes of a disk of a point that cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The restore point.
    pub point: PointId,
    /// Its disk.
    pub disk: DiskId,
    /// The disk's device, `vda`.
    pub device: String,
    /// The bytes.
    pub range: Extent,
}

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The object's path in the repository.
    pub object: String,
    /// What is wrong with it.
    pub what: String,
    /// What can no longer be restored because of it; empty where nothing is lost.
    pub affected: Vec<Affected>,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Restore points looked at.
    pub points: u64,
    /// Index segments looked at.
    pub segments: u64,
    /// Packs looked at.
    pub packs: u64,
    /// Chunks read, decrypted and compared with their names.
    pub chunks: u64,
    /// Plain bytes of these.
    pub chunk_bytes: u64,
    /// Blobs known to be damaged that no point needs any more.
    pub healed: u64,
    /// What is damaged; empty where all is well.
    pub damage: Vec<Damage>,
}

impl VerifyReport {
    /// Whether all that was looked at is as it was written.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }
}

/// What a repository holds. Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Restore points.
    pub points: u64,
    /// Pack objects.
    pub packs: u64,
    /// Chunks and map nodes, each counted once.
    pub chunks: u64,
    /// All objects together, as they lie.
    pub stored_bytes: u64,
    /// Plain bytes of the chunks, each counted once: `unique_bytes` to `stored_bytes` is the
    /// compression.
    pub unique_bytes: u64,
    /// The sizes of all disks of all points together.
    pub virtual_bytes: u64,
}

/// What a restore did. Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreStats {
    /// Written to the sink; the rest of the disk is zero.
    pub written_bytes: u64,
    /// Read from packs.
    pub read_bytes: u64,
}

/// What a rebuild of the index did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuildReport {
    /// Packs whose trailers were read.
    pub packs: u64,
    /// Packs whose trailers could not be read; what the old index knew of them was kept.
    pub damaged_packs: u64,
    /// Entries of the new index.
    pub entries: u64,
    /// Segments replaced.
    pub replaced_segments: u64,
}
