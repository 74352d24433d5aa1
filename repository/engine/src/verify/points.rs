//! Some points, with all that they need.

use std::sync::Arc;

use firn_core::Extent;

use super::findings::Found;
use crate::chunk::ChunkId;
use crate::control::Meter;
use crate::pack::Location;
use crate::read::{Consumer, Scan, Visitor, map_reader, scan, thread_count};
use crate::repository::Inner;
use crate::{Control, PointRecord, Result};

/// Largest read.
const READ_BYTES: u64 = 4 << 20;

struct Checker<'a> {
    found: &'a Found,
    meter: &'a Meter<'a>,
    /// Ids whose last bytes, as a number, are below this are read: ids are uniform, and a
    /// random salt makes another choice each time.
    below: u64,
    salt: u64,
}

impl Visitor for Checker<'_> {
    fn wants(&self, id: &ChunkId) -> bool {
        self.below == u64::MAX || (id.prefix() ^ self.salt) < self.below
    }

    fn consumer(&self) -> Box<dyn Consumer + '_> {
        Box::new(self)
    }

    fn bad_copy(&self, location: &Location, what: &str) {
        self.found.bad_blob(location, what);
    }

    /// The walk that follows names what is lost.
    fn lost(&self, _range: Extent, _object: String, _what: String) -> Result<()> {
        Ok(())
    }
}

/// What was decoded is good: nothing is left to do but to count it.
impl Consumer for &Checker<'_> {
    fn chunk(&mut self, _places: &[u64], plain: &[u8]) -> Result<()> {
        self.found.count_chunk(plain.len());
        self.meter.add(plain.len() as u64);
        Ok(())
    }
}

pub(super) fn check(
    inner: &Arc<Inner>,
    records: &[PointRecord],
    sample: Option<f64>,
    found: &Found,
    meter: &Meter<'_>,
    control: &Control,
) -> Result<()> {
    let below = match sample {
        Some(part) if part < 1.0 => (part * u64::MAX as f64) as u64,
        _ => u64::MAX,
    };
    let salt = u64::from_le_bytes(crate::crypto::random()?);
    let checker = Checker { found, meter, below, salt };
    for record in records {
        for disk in &record.disks {
            let map = map_reader(inner, disk, &record.domain)?;
            let threads = thread_count(0);
            let work = Scan { inner, map: &map, control, threads, read_bytes: READ_BYTES };
            scan(&work, &checker)?;
        }
    }
    Ok(())
}
