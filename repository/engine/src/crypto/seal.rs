use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};

use crate::format::{KEY_BYTES, NONCE_BYTES, TAG_BYTES};
use crate::{RepositoryError, Result};

/// An AES-256-GCM key. The caller answers for nonces: none may meet two plaintexts.
pub(crate) struct SealKey(LessSafeKey);

/// The bytes are not what was sealed.
pub(crate) struct SealBroken;

impl SealKey {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key)
            .map_err(|_| RepositoryError::Internal { what: "AES-256-GCM refuses a 32-byte key" })?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts in place and gives the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_BYTES]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), data)
            .map_err(|_| RepositoryError::Internal { what: "AES-256-GCM refuses to seal" })?;
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.as_ref());
        Ok(bytes)
    }

    /// Decrypts in place; `sealed` ends with the tag. Gives the plain part.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated: &[u8],
        sealed: &'a mut [u8],
    ) -> std::result::Result<&'a mut [u8], SealBroken> {
        let Some(length) = sealed.len().checked_sub(TAG_BYTES) else { return Err(SealBroken) };
        let (data, tag) = sealed.split_at_mut(length);
        let tag = Tag::try_from(&*tag).map_err(|_| SealBroken)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place_separate_tag(nonce, Aad::from(associated), tag, data, 0..)
            .map_err(|_| SealBroken)
    }
}
