//! Notes on what is damaged, so that writers store it anew.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::config::describe;
use crate::crypto::random;
use crate::format::{MAGIC_QUARANTINE, QUARANTINE};
use crate::frame;
use crate::pack::{Location, ObjectId};
use crate::{RepositoryError, Result, Storage};

#[derive(Serialize, Deserialize)]
struct Note {
    pack: String,
    blobs: Option<Vec<u32>>,
}

/// Everything known to be damaged.
#[derive(Clone, Default)]
pub(crate) struct Quarantine {
    packs: HashSet<ObjectId>,
    blobs: HashSet<(ObjectId, u32)>,
    /// Names of the notes that this was read from.
    pub(crate) notes: HashSet<String>,
    /// Notes that are damaged themselves, and how.
    pub(crate) damaged: Vec<(String, String)>,
}

impl Quarantine {
    pub(crate) fn holds(&self, location: &Location) -> bool {
        self.packs.contains(&location.pack)
            || self.blobs.contains(&(location.pack, location.offset))
    }

    /// Whether the pack as a whole is noted.
    pub(crate) fn holds_pack(&self, pack: ObjectId) -> bool {
        self.packs.contains(&pack)
    }

    /// Adds the notes of a listing that are not known yet.
    pub(crate) fn load(&mut self, storage: &Storage, listing: &[String]) -> Result<()> {
        for object in listing {
            if !self.notes.insert(object.clone()) {
                continue;
            }
            let Some(data) = storage.find(object)? else { continue };
            let note = frame::unwrap(MAGIC_QUARANTINE, &data)
                .map_err(describe)
                .and_then(|body| parse(body).ok_or_else(|| "it makes no sense".to_owned()));
            match note {
                Ok((pack, None)) => {
                    self.packs.insert(pack);
                }
                Ok((pack, Some(blobs))) => {
                    self.blobs.extend(blobs.into_iter().map(|offset| (pack, offset)));
                }
                Err(what) => {
                    tracing::warn!(object, what, "damaged quarantine note");
                    self.damaged.push((object.clone(), what));
                }
            }
        }
        Ok(())
    }
}

fn parse(body: &[u8]) -> Option<(ObjectId, Option<Vec<u32>>)> {
    let note: Note = serde_json::from_slice(body).ok()?;
    Some((ObjectId::from_path(&note.pack)?, note.blobs))
}

/// What a verification found, by pack: `None` is the whole pack.
pub(crate) type Findings = HashMap<ObjectId, Option<Vec<u32>>>;

/// Writes a note for each pack.
pub(crate) fn write(storage: &Storage, findings: &Findings) -> Result<()> {
    for (pack, blobs) in findings {
        let note = Note { pack: pack.to_string(), blobs: blobs.clone() };
        let body = serde_json::to_vec(&note)
            .map_err(|_| RepositoryError::Internal { what: "a note does not become JSON" })?;
        let object = format!("{QUARANTINE}{}", hex::encode(random::<16>()?));
        let frame = frame::wrap(MAGIC_QUARANTINE, &body);
        storage.put(&object, vec![Bytes::from(frame)], "verify")?;
    }
    Ok(())
}
