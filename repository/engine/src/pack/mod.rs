//! Packs: many blobs in one object.

mod id;

pub(crate) use id::ObjectId;
