use super::blob::nonce;
use super::{BlobKey, Form, Location, ObjectId};
use crate::chunk::ChunkId;
use crate::crypto::Keyring;
use crate::format::{
    AAD_TRAILER, CHUNK_ID_BYTES, MAGIC_PACK, MAGIC_PACK_END, OBJECT_ID_BYTES, PACK_BYTES_MAX,
    PACK_ENTRY_BYTES, PACK_FOOTER_BYTES, PACK_HEADER_BYTES, TAG_BYTES, VERSION,
};
use crate::frame::field;
use crate::{RepositoryError, Result, Storage};

/// How much of a pack's end is read at first: enough for most trailers.
const TAIL_BYTES: u64 = 64 << 10;

/// A blob as its pack's trailer lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackEntry {
    pub(crate) id: ChunkId,
    pub(crate) offset: u32,
    pub(crate) stored_bytes: u32,
    pub(crate) form: Form,
}

impl PackEntry {
    pub(crate) fn location(&self, pack: ObjectId) -> Location {
        Location { pack, offset: self.offset, stored_bytes: self.stored_bytes, form: self.form }
    }
}

/// What a pack's trailer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PackInfo {
    pub(crate) domain: String,
    pub(crate) entries: Vec<PackEntry>,
}

pub(crate) fn header(pack: ObjectId) -> [u8; PACK_HEADER_BYTES] {
    let mut header = [0; PACK_HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC_PACK);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..].copy_from_slice(&pack.0);
    header
}

/// Trailer and footer of a pack whose blobs end at `offset`.
pub(crate) fn end_of_pack(
    key: &BlobKey,
    offset: u32,
    domain: &str,
    entries: &[PackEntry],
) -> Result<Vec<u8>> {
    let mut end = Vec::with_capacity(
        2 + domain.len() + entries.len() * PACK_ENTRY_BYTES + TAG_BYTES + PACK_FOOTER_BYTES,
    );
    end.extend_from_slice(&(domain.len() as u16).to_le_bytes());
    end.extend_from_slice(domain.as_bytes());
    for entry in entries {
        end.extend_from_slice(&entry.id.0);
        end.extend_from_slice(&entry.offset.to_le_bytes());
        end.extend_from_slice(&entry.stored_bytes.to_le_bytes());
        end.extend_from_slice(&entry.form.0.to_le_bytes());
    }
    let sealed_bytes = (end.len() + TAG_BYTES) as u32;
    let count = entries.len() as u32;
    let associated = associated(key.pack(), offset, sealed_bytes, count);
    let tag = key.key().seal(nonce(offset), &associated, &mut end)?;
    end.extend_from_slice(&tag);
    for number in [offset, sealed_bytes, count, VERSION, 0, 0] {
        end.extend_from_slice(&number.to_le_bytes());
    }
    end.extend_from_slice(&MAGIC_PACK_END);
    Ok(end)
}

/// Reads and checks what is at the end of a pack. The inner error says what is wrong with it.
pub(crate) fn read_trailer(
    storage: &Storage,
    keyring: &Keyring,
    pack: ObjectId,
    size_bytes: u64,
) -> Result<std::result::Result<PackInfo, String>> {
    let damaged = |what: &str| Ok(Err(what.to_owned()));
    if size_bytes < (PACK_HEADER_BYTES + TAG_BYTES + PACK_FOOTER_BYTES) as u64
        || size_bytes > PACK_BYTES_MAX as u64
    {
        return damaged("its size is impossible");
    }
    let path = pack.pack_path();
    let tail_at = size_bytes.saturating_sub(TAIL_BYTES);
    let mut tail = match storage.get_range(&path, tail_at..size_bytes) {
        Ok(tail) => tail,
        Err(RepositoryError::Storage { source, .. }) if source.is_not_found() => {
            return damaged("it is missing");
        }
        Err(error) => return Err(error),
    };
    if tail.len() as u64 != size_bytes - tail_at {
        return damaged("it is cut short");
    }
    let footer = tail.split_off(tail.len() - PACK_FOOTER_BYTES);
    let numbers: Vec<u32> = (0..6).filter_map(|i| field(&footer, i * 4)).collect();
    let &[offset, sealed_bytes, count, version, 0, 0] = numbers.as_slice() else {
        return damaged("its footer is not what was written");
    };
    if footer[24..] != MAGIC_PACK_END
        || version != VERSION
        || u64::from(offset) + u64::from(sealed_bytes) + PACK_FOOTER_BYTES as u64 != size_bytes
        || (offset as usize) < PACK_HEADER_BYTES
    {
        return damaged("its footer is not what was written");
    }
    let mut sealed = if u64::from(offset) >= tail_at {
        tail.split_off((u64::from(offset) - tail_at) as usize)
    } else {
        let end = u64::from(offset) + u64::from(sealed_bytes);
        storage.get_range(&path, u64::from(offset)..end)?
    };
    let key = BlobKey::new(keyring, pack)?;
    let associated = associated(pack, offset, sealed_bytes, count);
    let Ok(plain) = key.key().open(nonce(offset), &associated, &mut sealed) else {
        return damaged("its trailer fails authentication");
    };
    match parse(plain, count) {
        Some(info) => Ok(Ok(info)),
        None => damaged("its trailer makes no sense"),
    }
}

fn parse(plain: &[u8], count: u32) -> Option<PackInfo> {
    let (length, rest) = plain.split_first_chunk()?;
    let (domain, list) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    if list.len() != count as usize * PACK_ENTRY_BYTES {
        return None;
    }
    let entries = list
        .chunks_exact(PACK_ENTRY_BYTES)
        .map(|entry| {
            Some(PackEntry {
                id: ChunkId(*entry.first_chunk()?),
                offset: field(entry, CHUNK_ID_BYTES)?,
                stored_bytes: field(entry, CHUNK_ID_BYTES + 4)?,
                form: Form(field(entry, CHUNK_ID_BYTES + 8)?),
            })
        })
        .collect::<Option<_>>()?;
    Some(PackInfo { domain: String::from_utf8(domain.to_vec()).ok()?, entries })
}

fn associated(
    pack: ObjectId,
    offset: u32,
    sealed_bytes: u32,
    count: u32,
) -> [u8; 8 + OBJECT_ID_BYTES + 12] {
    let mut bytes = [0; 8 + OBJECT_ID_BYTES + 12];
    bytes[..8].copy_from_slice(&AAD_TRAILER);
    bytes[8..24].copy_from_slice(&pack.0);
    bytes[24..28].copy_from_slice(&offset.to_le_bytes());
    bytes[28..32].copy_from_slice(&sealed_bytes.to_le_bytes());
    bytes[32..].copy_from_slice(&count.to_le_bytes());
    bytes
}
