//! The config object and the key slots: what it takes to open a repository.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chunk::ChunkSize;
use crate::crypto::{KeySlot, Keyring, MasterKey};
use crate::format::{CONFIG, COPY, KEYS, MAGIC_CONFIG, MAGIC_KEY, VERSION};
use crate::frame::{self, FrameError};
use crate::{RepositoryError, Result, Storage};

/// Writes at creation belong to no session.
const OWNER: &str = "create";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) repository_id: Uuid,
    pub(crate) chunk_bytes: u32,
    pub(crate) created_at: DateTime<Utc>,
}

impl Config {
    pub(crate) fn chunk_size(&self) -> Result<ChunkSize> {
        ChunkSize::new(self.chunk_bytes)
    }
}

/// Writes config and key slot of a new repository; the config last, for it makes it one.
pub(crate) fn create(
    storage: &Storage,
    master: &MasterKey,
    chunk_size: ChunkSize,
) -> Result<(Config, Keyring)> {
    for object in [CONFIG.to_owned(), format!("{CONFIG}{COPY}")] {
        if storage.stat(&object)?.is_some() {
            return Err(RepositoryError::RepositoryExists);
        }
    }
    let config = Config {
        repository_id: Uuid::new_v4(),
        chunk_bytes: chunk_size.bytes(),
        created_at: Utc::now(),
    };
    let body = serde_json::to_vec(&config)
        .map_err(|_| RepositoryError::Internal { what: "the config does not become JSON" })?;
    let object = frame::wrap(MAGIC_CONFIG, &body);
    let (keyring, slot) = KeySlot::create(master, &object)?;
    let slot = Bytes::from(frame::wrap(MAGIC_KEY, &slot));
    let object = Bytes::from(object);
    let slot_name = slot_name(master);
    for (name, data) in [
        (format!("{slot_name}{COPY}"), &slot),
        (slot_name, &slot),
        (format!("{CONFIG}{COPY}"), &object),
        (CONFIG.to_owned(), &object),
    ] {
        // An interrupted creation with the same key may have left a slot that no config fits.
        if name.starts_with(KEYS) {
            storage.delete(&name)?;
        }
        storage.put(&name, vec![data.clone()], OWNER)?;
    }
    storage.clean(OWNER)?;
    Ok((config, keyring))
}

/// Opens config and key slot, each from whichever copy is good.
pub(crate) fn open(storage: &Storage, master: &MasterKey) -> Result<(Config, Keyring)> {
    let (object, body) =
        read_either(storage, CONFIG, MAGIC_CONFIG)?.ok_or(RepositoryError::NoRepository)?;
    let config: Config = serde_json::from_slice(&body).map_err(|_| RepositoryError::Damaged {
        object: CONFIG.to_owned(),
        what: "it is no config".to_owned(),
    })?;
    let slot_name = slot_name(master);
    let (_, slot) = read_either(storage, &slot_name, MAGIC_KEY)?
        .ok_or_else(|| RepositoryError::WrongKey { fingerprint: master.fingerprint() })?;
    let keyring =
        KeySlot::open(master, &object, &slot)?.ok_or_else(|| RepositoryError::Damaged {
            object: slot_name,
            what: "it does not fit the config or the key".to_owned(),
        })?;
    config.chunk_size()?;
    Ok((config, keyring))
}

/// Names of all config and key objects with what is wrong with each.
pub(crate) fn verify(storage: &Storage) -> Result<Vec<(String, String)>> {
    let mut damage = Vec::new();
    let mut slots: Vec<String> = storage.list(KEYS)?.into_iter().map(|entry| entry.path).collect();
    slots.sort();
    let mut pairs: Vec<(String, [u8; 8])> = vec![(CONFIG.to_owned(), MAGIC_CONFIG)];
    for slot in slots {
        let name = slot.strip_suffix(COPY).unwrap_or(&slot).to_owned();
        if pairs.iter().all(|(known, _)| *known != name) {
            pairs.push((name, MAGIC_KEY));
        }
    }
    for (name, magic) in pairs {
        for object in [name.clone(), format!("{name}{COPY}")] {
            match storage.find(&object)? {
                None => damage.push((object, "it is missing".to_owned())),
                Some(data) => {
                    if let Err(error) = frame::unwrap(magic, &data) {
                        damage.push((object, describe(error)));
                    }
                }
            }
        }
    }
    Ok(damage)
}

fn slot_name(master: &MasterKey) -> String {
    format!("{KEYS}{}", master.fingerprint())
}

/// Whole object and body of the first good copy; `None` where neither exists.
fn read_either(
    storage: &Storage,
    name: &str,
    magic: [u8; 8],
) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut failure = None;
    for object in [name.to_owned(), format!("{name}{COPY}")] {
        let Some(data) = storage.find(&object)? else { continue };
        match frame::unwrap(magic, &data) {
            Ok(body) => {
                let body = body.to_vec();
                return Ok(Some((data, body)));
            }
            Err(FrameError::Version(found)) => {
                return Err(RepositoryError::FormatVersion { found, supported: VERSION });
            }
            Err(error) => {
                tracing::warn!(object, "damaged object, trying its copy");
                failure = Some(RepositoryError::Damaged { object, what: describe(error) });
            }
        }
    }
    failure.map_or(Ok(None), Err)
}

pub(crate) fn describe(error: FrameError) -> String {
    match error {
        FrameError::Version(version) => format!("it has format version {version}"),
        FrameError::Damaged(what) => what.to_owned(),
    }
}
