use super::ObjectId;
use crate::Result;
use crate::chunk::ChunkId;
use crate::crypto::{Keyring, SealKey};
use crate::format::{
    AAD_BLOB, CHUNK_ID_BYTES, FORM_LENGTH_MASK, FORM_NODE, FORM_ZSTD, NONCE_BYTES, OBJECT_ID_BYTES,
    TAG_BYTES,
};

/// How a chunk lies in its blob: plain length, whether compressed, whether a map node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Form(pub(crate) u32);

impl Form {
    pub(crate) fn new(plain_bytes: usize, zstd: bool, node: bool) -> Self {
        let mut form = plain_bytes as u32 & FORM_LENGTH_MASK;
        if zstd {
            form |= FORM_ZSTD;
        }
        if node {
            form |= FORM_NODE;
        }
        Self(form)
    }

    pub(crate) fn plain_bytes(self) -> u32 {
        self.0 & FORM_LENGTH_MASK
    }

    pub(crate) fn zstd(self) -> bool {
        self.0 & FORM_ZSTD != 0
    }

    pub(crate) fn node(self) -> bool {
        self.0 & FORM_NODE != 0
    }
}

/// Where one copy of a chunk lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Location {
    pub(crate) pack: ObjectId,
    pub(crate) offset: u32,
    /// Length in the pack, tag included.
    pub(crate) stored_bytes: u32,
    pub(crate) form: Form,
}

impl Location {
    pub(crate) fn end(&self) -> u64 {
        u64::from(self.offset) + u64::from(self.stored_bytes)
    }
}

/// Seals and opens the blobs of one pack.
pub(crate) struct BlobKey {
    pack: ObjectId,
    key: SealKey,
}

impl BlobKey {
    pub(crate) fn new(keyring: &Keyring, pack: ObjectId) -> Result<Self> {
        Ok(Self { pack, key: keyring.pack(pack)? })
    }

    pub(crate) fn pack(&self) -> ObjectId {
        self.pack
    }

    pub(crate) fn key(&self) -> &SealKey {
        &self.key
    }

    /// Encrypts the payload at the front of `blob` in place and writes the tag behind it.
    pub(crate) fn seal(
        &self,
        id: &ChunkId,
        offset: u32,
        form: Form,
        blob: &mut [u8],
    ) -> Result<()> {
        let associated = self.associated(id, offset, blob.len() as u32, form);
        let length = blob.len() - TAG_BYTES;
        let (payload, tag) = blob.split_at_mut(length);
        tag.copy_from_slice(&self.key.seal(nonce(offset), &associated, payload)?);
        Ok(())
    }

    /// Decrypts a blob in place; `None` where it is not what was written for this chunk at this
    /// place.
    pub(crate) fn open<'a>(
        &self,
        id: &ChunkId,
        offset: u32,
        form: Form,
        blob: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let associated = self.associated(id, offset, blob.len() as u32, form);
        self.key.open(nonce(offset), &associated, blob).ok()
    }

    fn associated(
        &self,
        id: &ChunkId,
        offset: u32,
        stored_bytes: u32,
        form: Form,
    ) -> [u8; 8 + OBJECT_ID_BYTES + 12 + CHUNK_ID_BYTES] {
        let mut bytes = [0; 8 + OBJECT_ID_BYTES + 12 + CHUNK_ID_BYTES];
        bytes[..8].copy_from_slice(&AAD_BLOB);
        bytes[8..24].copy_from_slice(&self.pack.0);
        bytes[24..28].copy_from_slice(&offset.to_le_bytes());
        bytes[28..32].copy_from_slice(&stored_bytes.to_le_bytes());
        bytes[32..36].copy_from_slice(&form.0.to_le_bytes());
        bytes[36..].copy_from_slice(&id.0);
        bytes
    }
}

/// A pack's key seals one thing at each offset, once.
pub(super) fn nonce(offset: u32) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[8..].copy_from_slice(&offset.to_be_bytes());
    nonce
}
