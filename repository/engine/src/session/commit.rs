use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::{Session, marker};
use crate::{NewPoint, PointRecord, RepositoryError, Result, point};

impl Session {
    /// Publishes the index, then the record: from then on the point exists. The same point
    /// committed again gives the record that is there.
    pub fn commit(&self, new: NewPoint) -> Result<PointRecord> {
        let shared = &*self.shared;
        let storage = &shared.inner.storage;
        let record = PointRecord::new(&shared.domain, new);
        if let Some(found) = point::find(&shared.inner, record.id)? {
            return if found == record {
                Ok(found)
            } else {
                Err(RepositoryError::PointExists { point: record.id })
            };
        }
        check(&record, u64::from(shared.inner.chunk_size.bytes()))?;
        shared.flush(&|| shared.check())?;
        shared.uploads.wait(&|| shared.check())?;
        shared.merge_own(true)?;
        // Whoever declared this session dead may have collected what it relies on.
        if !marker::exists(storage, shared.id)? {
            return Err(RepositoryError::SessionFailed {
                reason: "its marker was removed by somebody else".to_owned(),
                kind: firn_core::ErrorKind::Conflict,
            });
        }
        point::write(&shared.inner, &record, &shared.id.to_string())?;
        // The point exists; what follows is housekeeping, whose failure changes nothing.
        if let Err(error) = shared.inner.tidy_index(&shared.id.to_string()) {
            tracing::warn!(%error, "cannot tidy the index");
        }
        match marker::remove(storage, shared.id) {
            Ok(()) => self.ended.store(true, Ordering::Release),
            Err(error) => tracing::warn!(%error, "cannot remove a session's marker"),
        }
        Ok(record)
    }
}

/// A record that could not be restored by is not written.
fn check(record: &PointRecord, chunk_bytes: u64) -> Result<()> {
    let invalid = |what: String| Err(RepositoryError::Invalid { what });
    let mut devices = HashSet::new();
    for disk in &record.disks {
        if !devices.insert(&disk.device) {
            return invalid(format!("the point has two disks {}", disk.device));
        }
        let chunks = disk.root.size_bytes.div_ceil(chunk_bytes);
        if disk.size_bytes != disk.root.size_bytes || disk.root.levels != crate::map::levels(chunks)
        {
            return invalid(format!("disk {} and its map differ in size", disk.device));
        }
    }
    Ok(())
}
