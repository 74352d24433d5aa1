//! Packs become objects, then segments of the index.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::appender::SealedPack;
use crate::index::{ENTRIES_MAX, IndexEntry, Segment, build, merge, plan_merge};
use crate::pack::ObjectId;
use crate::repository::Inner;
use crate::{RepositoryError, Result};

impl Shared {
    /// Makes a pack durable, then known to everybody.
    pub(super) fn publish(&self, pack: SealedPack) -> Result<()> {
        let owner = self.id.to_string();
        self.inner.storage.put(&pack.id.pack_path(), pack.parts, &owner)?;
        let entries = pack
            .entries
            .iter()
            .map(|entry| IndexEntry { id: entry.id, location: entry.location(pack.id) })
            .collect();
        let id = ObjectId::random()?;
        let bytes = build(&self.inner.keyring, id, &[], entries)?;
        let segment = self.inner.put_segment(id, bytes, &owner)?;
        self.inner.index.add(segment);
        for entry in &pack.entries {
            self.pending.remove(&entry.id);
        }
        let many = {
            let mut segments = self.segments.lock();
            segments.push(id);
            segments.len() >= 32
        };
        if many { self.merge_own(false) } else { Ok(()) }
    }

    /// Merges the segments that this session has published: those worth it, or all.
    pub(super) fn merge_own(&self, all: bool) -> Result<()> {
        let Some(mut own) = self.segments.try_lock() else { return Ok(()) };
        let known = self.inner.index.segments();
        let mine: Vec<_> = known.iter().filter(|segment| own.contains(&segment.id())).collect();
        let sizes: Vec<_> =
            mine.iter().map(|segment| (segment.id(), segment.entry_count())).collect();
        let total: u64 = sizes.iter().map(|(_, entries)| entries).sum();
        let chosen: HashSet<_> = if all && total <= ENTRIES_MAX {
            sizes.iter().map(|(id, _)| *id).collect()
        } else {
            plan_merge(&sizes).into_iter().collect()
        };
        if chosen.len() < 2 {
            return Ok(());
        }
        if let Some(merged) = self.inner.merge_segments(&chosen, &self.id.to_string())? {
            own.retain(|id| !chosen.contains(id));
            own.push(merged);
        }
        Ok(())
    }
}

impl Inner {
    /// Writes a segment and opens it.
    pub(crate) fn put_segment(
        &self,
        id: ObjectId,
        bytes: Vec<u8>,
        owner: &str,
    ) -> Result<Arc<Segment>> {
        let bytes = Bytes::from(bytes);
        let size = bytes.len() as u64;
        self.storage.put(&id.segment_path(), vec![bytes], owner)?;
        match Segment::open(&self.storage, &self.keyring, self.cache_dir.as_deref(), id, size)? {
            Ok(segment) => Ok(Arc::new(segment)),
            Err(damage) => Err(RepositoryError::Damaged {
                object: id.segment_path(),
                what: format!("{} right after it was written", damage.0),
            }),
        }
    }

    /// Puts one segment in the place of several; `None` where that cannot be done. Whoever does
    /// the same at the same time only makes the same entries twice.
    pub(crate) fn merge_segments(
        &self,
        chosen: &HashSet<ObjectId>,
        owner: &str,
    ) -> Result<Option<ObjectId>> {
        let known = self.index.segments();
        let sources: Vec<&Segment> = known
            .iter()
            .filter(|segment| chosen.contains(&segment.id()))
            .map(AsRef::as_ref)
            .collect();
        if sources.len() < 2 {
            return Ok(None);
        }
        let id = ObjectId::random()?;
        let bytes = match merge(&self.keyring, id, &sources)? {
            Ok(bytes) => bytes,
            Err(damage) => {
                tracing::warn!(what = damage.0, "damaged index segments are not merged");
                return Ok(None);
            }
        };
        let merged = self.put_segment(id, bytes, owner)?;
        let replaced: Vec<_> = sources.iter().map(|segment| segment.id()).collect();
        self.index.replace(&replaced, merged);
        for id in replaced {
            self.storage.delete(&id.segment_path())?;
        }
        Ok(Some(id))
    }

    /// Merges small segments of anybody while there are many.
    pub(crate) fn tidy_index(&self, owner: &str) -> Result<()> {
        let sizes: Vec<_> = self
            .index
            .segments()
            .iter()
            .map(|segment| (segment.id(), segment.entry_count()))
            .collect();
        let chosen: HashSet<_> = plan_merge(&sizes).into_iter().collect();
        if !chosen.is_empty() {
            self.merge_segments(&chosen, owner)?;
        }
        Ok(())
    }
}
