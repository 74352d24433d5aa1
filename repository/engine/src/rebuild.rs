//! The index, made anew from the packs.

use std::collections::HashSet;

use crate::format::{INDEX, PACKS};
use crate::index::{IndexEntry, build};
use crate::pack::{ObjectId, read_trailer};
use crate::repository::{Inner, Repository};
use crate::{Control, RebuildReport, Result};

/// Entries collected before a segment is written.
const ENTRIES_AT_ONCE: usize = 512 << 10;
/// Writes of a rebuild belong to no session.
const OWNER: &str = "rebuild";

impl Repository {
    /// Makes the index anew from the packs' trailers; what the old index knew of packs whose
    /// trailers are damaged is kept. May run beside backups. The progress callback counts
    /// packs' bytes.
    pub fn rebuild_index(&self, control: &Control) -> Result<RebuildReport> {
        let inner = self.inner();
        let mut report = RebuildReport::default();
        // First the segments, then the packs: every pack that an old segment names and that is
        // whole is then in the list of packs.
        inner.index.refresh()?;
        let old: Vec<ObjectId> = inner
            .storage
            .list(INDEX)?
            .iter()
            .filter_map(|entry| ObjectId::from_path(&entry.path))
            .collect();
        let known = inner.index.segments();
        let packs = inner.storage.list(PACKS)?;
        let mut entries = Vec::new();
        let mut damaged = HashSet::new();
        let mut done = 0;
        for object in packs {
            control.check()?;
            let Some(pack) = ObjectId::from_path(&object.path) else { continue };
            match read_trailer(&inner.storage, &inner.keyring, pack, object.size_bytes)? {
                Ok(info) => {
                    report.packs += 1;
                    entries.extend(
                        info.entries.iter().map(|entry| IndexEntry {
                            id: entry.id,
                            location: entry.location(pack),
                        }),
                    );
                }
                Err(what) => {
                    tracing::warn!(%pack, what, "the pack's trailer is damaged");
                    report.damaged_packs += 1;
                    damaged.insert(pack);
                }
            }
            flush(inner, &mut entries, ENTRIES_AT_ONCE, &mut report)?;
            done += object.size_bytes;
            if let Some(progress) = &control.progress {
                progress(done);
            }
        }
        for segment in known.iter().filter(|_| !damaged.is_empty()) {
            for number in 0..segment.entry_count() {
                if let Ok(entry) = segment.entry(number)
                    && damaged.contains(&entry.location.pack)
                {
                    entries.push(entry);
                }
            }
            flush(inner, &mut entries, ENTRIES_AT_ONCE, &mut report)?;
        }
        flush(inner, &mut entries, 1, &mut report)?;
        for id in old {
            inner.storage.delete(&id.segment_path())?;
            report.replaced_segments += 1;
        }
        inner.index.refresh()?;
        inner.tidy_index(OWNER)?;
        inner.storage.clean(OWNER)?;
        Ok(report)
    }
}

/// Writes a segment once there are enough entries.
fn flush(
    inner: &Inner,
    entries: &mut Vec<IndexEntry>,
    enough: usize,
    report: &mut RebuildReport,
) -> Result<()> {
    if entries.len() < enough {
        return Ok(());
    }
    let id = ObjectId::random()?;
    report.entries += entries.len() as u64;
    let bytes = build(&inner.keyring, id, &[], std::mem::take(entries))?;
    let segment = inner.put_segment(id, bytes, OWNER)?;
    inner.index.add(segment);
    Ok(())
}
