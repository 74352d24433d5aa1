//! Packs: many blobs in one object, closed by a sealed list of them.

mod blob;
mod codec;
mod id;
mod trailer;

pub(crate) use blob::{BlobKey, Form, Location};
pub(crate) use codec::{Decoder, Encoder};
pub(crate) use id::ObjectId;
pub(crate) use trailer::{PackEntry, end_of_pack, header, read_trailer};
