use uuid::Uuid;
use zeroize::Zeroizing;

use super::SealKey;
use crate::Result;
use crate::chunk::ChunkId;
use crate::format::{
    CONTEXT_DATA_ID, CONTEXT_NODE_ID, CONTEXT_PACK, CONTEXT_POINT, CONTEXT_SEGMENT, KEY_BYTES,
};
use crate::pack::ObjectId;

/// The repository's data key, and every key derived from it.
pub(crate) struct Keyring {
    data_key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Keyring {
    pub(crate) fn new(data_key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self { data_key }
    }

    fn derive(&self, context: &str, material: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&*self.data_key).update(material);
        Zeroizing::new(*hasher.finalize().as_bytes())
    }

    pub(crate) fn pack(&self, pack: ObjectId) -> Result<SealKey> {
        SealKey::new(&self.derive(CONTEXT_PACK, &pack.0))
    }

    pub(crate) fn point(&self, point: Uuid) -> Result<SealKey> {
        SealKey::new(&self.derive(CONTEXT_POINT, point.as_bytes()))
    }

    pub(crate) fn segment(&self, segment: ObjectId) -> Zeroizing<[u8; KEY_BYTES]> {
        self.derive(CONTEXT_SEGMENT, &segment.0)
    }

    pub(crate) fn domain(&self, domain: &str) -> DomainKeys {
        DomainKeys {
            data: self.derive(CONTEXT_DATA_ID, domain.as_bytes()),
            node: self.derive(CONTEXT_NODE_ID, domain.as_bytes()),
        }
    }
}

/// The keys that name the chunks of one dedup domain.
#[derive(Clone)]
pub(crate) struct DomainKeys {
    data: Zeroizing<[u8; KEY_BYTES]>,
    node: Zeroizing<[u8; KEY_BYTES]>,
}

impl DomainKeys {
    pub(crate) fn data_id(&self, plain: &[u8]) -> ChunkId {
        ChunkId(*blake3::keyed_hash(&self.data, plain).as_bytes())
    }

    pub(crate) fn node_id(&self, plain: &[u8]) -> ChunkId {
        ChunkId(*blake3::keyed_hash(&self.node, plain).as_bytes())
    }

    pub(crate) fn id(&self, plain: &[u8], node: bool) -> ChunkId {
        if node { self.node_id(plain) } else { self.data_id(plain) }
    }
}
