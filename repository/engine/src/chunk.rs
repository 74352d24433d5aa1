use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format;
use crate::{RepositoryError, Result};

/// Name of a chunk: the BLAKE3 hash of its plain content, keyed per dedup domain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(pub [u8; format::CHUNK_ID_BYTES]);

impl ChunkId {
    /// The first eight bytes as a number: ids are uniform, so this places them.
    pub(crate) fn prefix(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkId({self})")
    }
}

impl Serialize for ChunkId {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChunkId {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut id = [0; format::CHUNK_ID_BYTES];
        hex::decode_to_slice(text.as_ref(), &mut id).map_err(serde::de::Error::custom)?;
        Ok(Self(id))
    }
}

/// Size of a repository's chunks: a power of two from 64 KiB to 4 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSize(u32);

impl ChunkSize {
    /// Checks and takes a number of bytes.
    pub fn new(bytes: u32) -> Result<Self> {
        if bytes.is_power_of_two()
            && (format::CHUNK_BYTES_MIN..=format::CHUNK_BYTES_MAX).contains(&bytes)
        {
            return Ok(Self(bytes));
        }
        Err(RepositoryError::Invalid {
            what: format!(
                "a chunk size is a power of two from {} to {} bytes, not {bytes}",
                format::CHUNK_BYTES_MIN,
                format::CHUNK_BYTES_MAX
            ),
        })
    }

    /// In bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

impl Default for ChunkSize {
    fn default() -> Self {
        Self(format::CHUNK_BYTES_DEFAULT)
    }
}
