//! Where chunks lie: immutable sorted segments, and the set of them.

mod build;
mod catalog;
mod data;
mod filter;
mod layout;
mod merge;
mod segment;

pub(crate) use build::build;
pub(crate) use catalog::Index;
pub(crate) use merge::{ENTRIES_MAX, merge, plan_merge};
pub(crate) use segment::Segment;

use crate::chunk::ChunkId;
use crate::pack::Location;

/// An entry of a segment. Ordered as segments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IndexEntry {
    pub(crate) id: ChunkId,
    pub(crate) location: Location,
}
