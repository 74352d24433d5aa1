//! Reading one chunk, from whichever copy is good.

use std::time::Instant;

use crate::chunk::ChunkId;
use crate::crypto::DomainKeys;
use crate::pack::{BlobKey, Decoder, Location};
use crate::repository::Inner;
use crate::{RepositoryError, Result};

/// Why a chunk cannot be had.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// No copy of it is what was written.
    Damaged { object: String, what: String },
    /// The storage failed; the chunk may be fine.
    Other(RepositoryError),
}

impl FetchError {
    /// As the error of a map node, which stands for no bytes of its own.
    pub(crate) fn of_map(self) -> RepositoryError {
        match self {
            Self::Damaged { object, what } => {
                RepositoryError::Damaged { object, what: format!("map node: {what}") }
            }
            Self::Other(error) => error,
        }
    }
}

impl From<RepositoryError> for FetchError {
    fn from(error: RepositoryError) -> Self {
        Self::Other(error)
    }
}

impl Inner {
    /// Every known copy of a chunk that was published before `since`; looks at the storage
    /// again where none is known.
    pub(crate) fn locate(&self, id: &ChunkId, since: Instant) -> Result<Vec<Location>> {
        let found = self.index.find_all(id);
        if !found.is_empty() {
            return Ok(found);
        }
        self.index.refresh_since(since)?;
        Ok(self.index.find_all(id))
    }

    /// The plain content of a chunk that was published before `since`.
    pub(crate) fn fetch(
        &self,
        decoder: &mut Decoder,
        domain: &DomainKeys,
        id: &ChunkId,
        since: Instant,
    ) -> std::result::Result<Vec<u8>, FetchError> {
        let mut plain = Vec::new();
        let mut failure = FetchError::Damaged {
            object: format!("chunk {id}"),
            what: "no index segment knows it; rebuild the index".to_owned(),
        };
        for location in self.locate(id, since)? {
            let mut take = |content: &[u8]| plain.extend_from_slice(content);
            match self.fetch_copy(decoder, domain, id, &location, &mut take) {
                Ok(()) => return Ok(plain),
                // A storage that fails now says nothing about the data: that is the answer then.
                Err(other @ FetchError::Other(_)) => failure = other,
                Err(damaged) => {
                    tracing::warn!(?damaged, chunk = %id, "damaged copy of a chunk");
                    if !matches!(failure, FetchError::Other(_)) {
                        failure = damaged;
                    }
                }
            }
        }
        Err(failure)
    }

    pub(crate) fn fetch_copy(
        &self,
        decoder: &mut Decoder,
        domain: &DomainKeys,
        id: &ChunkId,
        location: &Location,
        take: &mut dyn FnMut(&[u8]),
    ) -> std::result::Result<(), FetchError> {
        let object = location.pack.pack_path();
        let range = u64::from(location.offset)..location.end();
        let mut blob = match self.storage.get_range(&object, range) {
            Ok(blob) => blob,
            Err(error) => return Err(classify(object, error)),
        };
        let key = BlobKey::new(&self.keyring, location.pack)?;
        match decoder.decode(&key, domain, id, location, &mut blob) {
            Ok(plain) => {
                take(plain);
                Ok(())
            }
            Err(what) => Err(FetchError::Damaged { object, what: what.to_owned() }),
        }
    }
}

/// A missing pack is damage; whatever else a storage says is its own trouble.
pub(crate) fn classify(object: String, error: RepositoryError) -> FetchError {
    match error {
        RepositoryError::Storage { source, .. } if source.is_not_found() => {
            FetchError::Damaged { object, what: "the pack is missing".to_owned() }
        }
        error => FetchError::Other(error),
    }
}
