use std::fmt;

use crate::Result;
use crate::crypto::random;
use crate::format::{INDEX, OBJECT_ID_BYTES, PACKS};

/// Random name of a pack or an index segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectId(pub(crate) [u8; OBJECT_ID_BYTES]);

impl ObjectId {
    pub(crate) fn random() -> Result<Self> {
        random().map(Self)
    }

    /// From the last part of an object's path; `None` where that is no id.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        let mut id = [0; OBJECT_ID_BYTES];
        hex::decode_to_slice(name, &mut id).ok()?;
        (hex::encode(id) == name).then_some(Self(id))
    }

    pub(crate) fn pack_path(&self) -> String {
        format!("{PACKS}{:02x}/{self}", self.0[0])
    }

    pub(crate) fn segment_path(&self) -> String {
        format!("{INDEX}{self}")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
