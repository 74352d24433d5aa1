//! Looking for damage: what is damaged, what is lost by it, and notes so that it heals.

mod affected;
mod findings;
mod packs;
mod points;

use std::collections::HashMap;
use std::sync::Arc;

use firn_core::PointId;

use affected::Walker;
use findings::Found;

use crate::control::Meter;
use crate::format::{PACKS, POINTS, QUARANTINE};
use crate::pack::ObjectId;
use crate::repository::{Inner, Repository};
use crate::{
    Control, Damage, PointEntry, PointRecord, RepositoryError, Result, VerifyReport, VerifyScope,
    config, point, quarantine,
};

impl Repository {
    /// Looks for damage, quarantines damaged chunks so that the next backup that carries their
    /// content stores them anew, and names all that is affected.
    ///
    /// The whole repository, or the given points with all they need; all chunks, or a random
    /// part of them. Records, maps, the index and the ends of packs are checked in any case. Where a part shows damage, the packs concerned are read
    /// whole. The progress callback counts bytes read from packs.
    pub fn verify(&self, scope: &VerifyScope, control: &Control) -> Result<VerifyReport> {
        if scope.sample.is_some_and(|part| !(part > 0.0 && part <= 1.0)) {
            return Err(RepositoryError::Invalid {
                what: "a sample is more than 0 and at most 1 of the chunks".to_owned(),
            });
        }
        let inner = self.inner();
        inner.index.refresh()?;
        let mut report = VerifyReport::default();
        for (object, what) in config::verify(&inner.storage)? {
            report.damage.push(Damage { object, what, affected: Vec::new() });
        }
        check_index(inner, &mut report)?;
        let records = records(inner, scope.points.as_deref(), &mut report)?;

        let found = Found::new(list_packs(inner)?);
        let meter = Meter::new(control);
        match &scope.points {
            None => packs::check(inner, scope.sample, &found, &meter, control)?,
            Some(_) => {
                points::check(inner, &records, scope.sample, &found, &meter, control)?;
            }
        }
        let mut walker = walk(inner, &records, &found, control)?;
        let partial = scope.points.is_some() || scope.sample.is_some();
        if partial && (walker.hidden() || !found.damaged_packs().is_empty()) {
            // Damage seldom comes alone, and what is not noted would be used by the next backup.
            // A damaged map node hides what lies below it, in whichever packs that is.
            if walker.hidden() {
                packs::check(inner, None, &found, &meter, control)?;
            } else {
                let packs = found.damaged_packs();
                packs::check_some(inner, &packs, None, &found, &meter, control)?;
            }
            walker = walk(inner, &records, &found, control)?;
        }
        let lost = walker.finish();
        let known = inner.index.quarantine();
        let (notes, healed, damage) = found.conclude(&known, lost);
        quarantine::write(&inner.storage, &notes)?;
        report.healed = healed;
        report.damage.extend(damage);
        report.packs = found.packs_checked();
        (report.chunks, report.chunk_bytes) = found.chunks_checked();
        check_quarantine(inner, &mut report)?;
        inner.index.refresh()?;
        Ok(report)
    }
}

fn walk<'a>(
    inner: &'a Arc<Inner>,
    records: &[PointRecord],
    found: &'a Found,
    control: &'a Control,
) -> Result<Walker<'a>> {
    let mut walker = Walker::new(inner, found, control);
    for record in records {
        walker.walk(record)?;
    }
    Ok(walker)
}

fn list_packs(inner: &Inner) -> Result<HashMap<ObjectId, u64>> {
    Ok(inner
        .storage
        .list(PACKS)?
        .into_iter()
        .filter_map(|entry| Some((ObjectId::from_path(&entry.path)?, entry.size_bytes)))
        .collect())
}

/// Checks every block of every segment.
fn check_index(inner: &Inner, report: &mut VerifyReport) -> Result<()> {
    let mut damaged = inner.index.damaged();
    let segments = inner.index.segments();
    for segment in segments.iter() {
        if let Err(damage) = segment.verify() {
            damaged.insert(segment.id(), damage.0.to_owned());
        }
    }
    report.segments = segments.len() as u64;
    for (id, what) in damaged {
        // It may have been merged away meanwhile, for good.
        if inner.storage.stat(&id.segment_path())?.is_some() {
            report.damage.push(Damage {
                object: id.segment_path(),
                what: format!("{what}; rebuild the index"),
                affected: Vec::new(),
            });
        }
    }
    Ok(())
}

/// The records in scope; damaged ones are reported.
fn records(
    inner: &Inner,
    wanted: Option<&[PointId]>,
    report: &mut VerifyReport,
) -> Result<Vec<PointRecord>> {
    let mut records = Vec::new();
    let mut damaged = |id: PointId, what| {
        let object = format!("{POINTS}{id}");
        report.damage.push(Damage { object, what, affected: Vec::new() });
    };
    match wanted {
        None => {
            for entry in point::list(inner)? {
                match entry {
                    PointEntry::Good(record) => records.push(*record),
                    PointEntry::Damaged { id, reason } => damaged(id, reason),
                }
            }
        }
        Some(ids) => {
            for id in ids {
                match point::find(inner, *id) {
                    Ok(Some(record)) => records.push(record),
                    Ok(None) => return Err(RepositoryError::PointNotFound { point: *id }),
                    Err(RepositoryError::Damaged { what, .. }) => damaged(*id, what),
                    Err(error) => return Err(error),
                }
            }
        }
    }
    report.points = records.len() as u64;
    Ok(records)
}

/// Damaged notes are reported once and removed: what they said was found anew, where the scope
/// reached it.
fn check_quarantine(inner: &Arc<Inner>, report: &mut VerifyReport) -> Result<()> {
    for (object, what) in &inner.index.quarantine().damaged {
        debug_assert!(object.starts_with(QUARANTINE));
        inner.storage.delete(object)?;
        report.damage.push(Damage {
            object: object.clone(),
            what: format!("{what}; it was removed"),
            affected: Vec::new(),
        });
    }
    Ok(())
}
