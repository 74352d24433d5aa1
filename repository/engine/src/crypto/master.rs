use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{Keyring, SealKey};
use crate::format::{
    AAD_KEY, CONTEXT_FINGERPRINT, CONTEXT_WRAP, FINGERPRINT_BYTES, KEY_BYTES, KEY_FILE_HEADER,
    NONCE_BYTES, TAG_BYTES, WRAP_KEY_FILE,
};
use crate::{RepositoryError, Result};

/// Fills an array from the operating system's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RepositoryError::Random)?;
    Ok(bytes)
}

/// The key that a repository's data key is wrapped with. Whoever has it and the repository can
/// read everything; without it nothing can ever be read.
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Result<Self> {
        Ok(Self(Zeroizing::new(random()?)))
    }

    /// Takes key bytes that a key manager keeps.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = Zeroizing::new(fs::read_to_string(path).map_err(|source| {
            RepositoryError::KeyFile { action: "read", path: path.to_owned(), source }
        })?);
        let bad = |reason| RepositoryError::KeyFormat { path: path.to_owned(), reason };
        let mut lines = text.lines();
        if lines.next() != Some(KEY_FILE_HEADER) {
            return Err(bad("its first line is not that of a key file"));
        }
        let digits = lines.next().ok_or_else(|| bad("it has no key line"))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(digits.trim(), &mut *key)
            .map_err(|_| bad("its second line is not 64 hexadecimal digits"))?;
        Ok(Self(key))
    }

    /// Writes a new key file, readable by its owner alone, durably. Never overwrites.
    pub fn store_new(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let failed =
            |source| RepositoryError::KeyFile { action: "write", path: path.to_owned(), source };
        let text =
            Zeroizing::new(format!("{KEY_FILE_HEADER}\n{}\n", hex::encode(self.0.as_slice())));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(())
    }

    /// A short public name of the key: tells keys apart and says nothing about them.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.fingerprint_bytes())
    }

    fn fingerprint_bytes(&self) -> [u8; FINGERPRINT_BYTES] {
        let hash = blake3::derive_key(CONTEXT_FINGERPRINT, &*self.0);
        let mut short = [0; FINGERPRINT_BYTES];
        short.copy_from_slice(&hash[..FINGERPRINT_BYTES]);
        short
    }

    fn wrapping_key(&self) -> Result<SealKey> {
        SealKey::new(&Zeroizing::new(blake3::derive_key(CONTEXT_WRAP, &*self.0)))
    }
}

/// The data key as it lies in the repository, wrapped with one master key.
pub(crate) struct KeySlot;

impl KeySlot {
    const BYTES: usize = 1 + FINGERPRINT_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

    /// A new data key, and the slot's body. `config` is the config object that it is bound to.
    pub(crate) fn create(master: &MasterKey, config: &[u8]) -> Result<(Keyring, Vec<u8>)> {
        let data_key = Zeroizing::new(random::<KEY_BYTES>()?);
        let nonce = random::<NONCE_BYTES>()?;
        let mut body = Vec::with_capacity(Self::BYTES);
        body.push(WRAP_KEY_FILE);
        body.extend_from_slice(&master.fingerprint_bytes());
        body.extend_from_slice(&nonce);
        let mut wrapped = data_key.clone();
        let tag = master.wrapping_key()?.seal(nonce, &associated(config), &mut *wrapped)?;
        body.extend_from_slice(&*wrapped);
        body.extend_from_slice(&tag);
        Ok((Keyring::new(data_key), body))
    }

    /// The data key of a slot's body; `None` where the body is not what was written.
    pub(crate) fn open(master: &MasterKey, config: &[u8], body: &[u8]) -> Result<Option<Keyring>> {
        let wrap = [WRAP_KEY_FILE];
        let rest = body
            .strip_prefix(&wrap)
            .and_then(|rest| rest.strip_prefix(&master.fingerprint_bytes()))
            .filter(|_| body.len() == Self::BYTES);
        let Some((nonce, wrapped)) = rest.and_then(|rest| rest.split_first_chunk()) else {
            return Ok(None);
        };
        let mut sealed = Zeroizing::new(wrapped.to_vec());
        let opened = master.wrapping_key()?.open(*nonce, &associated(config), &mut sealed);
        let Ok(plain) = opened else { return Ok(None) };
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        data_key.copy_from_slice(plain);
        Ok(Some(Keyring::new(data_key)))
    }
}

fn associated(config: &[u8]) -> Vec<u8> {
    [AAD_KEY.as_slice(), blake3::hash(config).as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_private_never_replaced_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = MasterKey::generate().unwrap();
        key.store_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(key.store_new(&path).is_err());
        assert_eq!(MasterKey::load(&path).unwrap().fingerprint(), key.fingerprint());
    }

    #[test]
    fn a_slot_opens_with_its_key_and_its_config_only() {
        let (key, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let (ring, body) = KeySlot::create(&key, b"config").unwrap();
        let opened = KeySlot::open(&key, b"config", &body).unwrap().unwrap();
        let id = crate::pack::ObjectId([1; 16]);
        assert_eq!(opened.segment(id), ring.segment(id));
        assert!(KeySlot::open(&other, b"config", &body).unwrap().is_none());
        assert!(KeySlot::open(&key, b"another", &body).unwrap().is_none());
        for at in 0..body.len() {
            let mut bad = body.clone();
            bad[at] ^= 1;
            assert!(KeySlot::open(&key, b"config", &bad).unwrap().is_none());
        }
    }
}
