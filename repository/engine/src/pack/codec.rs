use super::{BlobKey, Form, Location};
use crate::chunk::ChunkId;
use crate::crypto::DomainKeys;
use crate::format::TAG_BYTES;
use crate::{RepositoryError, Result};

/// Compresses chunks; one a thread.
pub(crate) struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
}

impl Encoder {
    pub(crate) fn new(level: i32) -> Result<Self> {
        let zstd = zstd::bulk::Compressor::new(level)
            .map_err(|_| RepositoryError::Internal { what: "zstd gives no compressor" })?;
        Ok(Self { zstd })
    }

    /// Room that [`encode`](Self::encode) needs behind the place it writes to.
    pub(crate) fn room(plain_bytes: usize) -> usize {
        zstd::zstd_safe::compress_bound(plain_bytes) + TAG_BYTES
    }

    /// Writes the payload of a chunk to the front of `out`, which has [`room`](Self::room), and
    /// gives the length of the blob it will become, and its form.
    pub(crate) fn encode(&mut self, plain: &[u8], node: bool, out: &mut [u8]) -> (usize, Form) {
        let limit = out.len() - TAG_BYTES;
        let compressed = self.zstd.compress_to_buffer(plain, &mut out[..limit]);
        match compressed {
            Ok(length) if length < plain.len() => {
                (length + TAG_BYTES, Form::new(plain.len(), true, node))
            }
            _ => {
                out[..plain.len()].copy_from_slice(plain);
                (plain.len() + TAG_BYTES, Form::new(plain.len(), false, node))
            }
        }
    }
}

/// Opens blobs; one a thread.
pub(crate) struct Decoder {
    zstd: zstd::bulk::Decompressor<'static>,
    plain: Vec<u8>,
}

impl Decoder {
    pub(crate) fn new() -> Result<Self> {
        let zstd = zstd::bulk::Decompressor::new()
            .map_err(|_| RepositoryError::Internal { what: "zstd gives no decompressor" })?;
        Ok(Self { zstd, plain: Vec::new() })
    }

    /// The plain content of a blob, authenticated and compared with its name; else what is
    /// wrong with it. Works in the blob's own memory where it can.
    pub(crate) fn decode<'a>(
        &'a mut self,
        key: &BlobKey,
        domain: &DomainKeys,
        id: &ChunkId,
        location: &Location,
        blob: &'a mut [u8],
    ) -> std::result::Result<&'a [u8], &'static str> {
        if blob.len() != location.stored_bytes as usize {
            return Err("the pack is cut short");
        }
        let form = location.form;
        let Some(payload) = key.open(id, location.offset, form, blob) else {
            return Err("a blob fails authentication");
        };
        let length = form.plain_bytes() as usize;
        let plain = if form.zstd() {
            if self.plain.len() < length {
                self.plain.resize(length, 0);
            }
            let plain = &mut self.plain[..length];
            match self.zstd.decompress_to_buffer(payload, plain) {
                Ok(written) if written == length => &*plain,
                _ => return Err("a blob does not decompress"),
            }
        } else {
            payload
        };
        if plain.len() != length || domain.id(plain, form.node()) != *id {
            return Err("a blob's content is not that of its chunk");
        }
        Ok(plain)
    }
}
