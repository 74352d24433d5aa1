//! Every pack, from one end to the other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rand::Rng;

use super::findings::Found;
use crate::control::Meter;
use crate::crypto::DomainKeys;
use crate::fetch::{FetchError, classify};
use crate::format::PACK_HEADER_BYTES;
use crate::pack::{BlobKey, Decoder, ObjectId, PackEntry, header, read_trailer};
use crate::read::thread_count;
use crate::repository::Inner;
use crate::{Control, Result};

pub(super) const BAD_HEADER: &str = "its header is not what was written";

/// Largest read.
const READ_BYTES: u64 = 4 << 20;

/// All packs, and whether any is missing.
pub(super) fn check(
    inner: &Inner,
    sample: Option<f64>,
    found: &Found,
    meter: &Meter<'_>,
    control: &Control,
) -> Result<()> {
    // A pack that the index names and that is not there is damage; one that only is there is
    // what a crashed session left.
    for segment in inner.index.segments().iter() {
        let Ok(packs) = segment.packs() else { continue };
        for pack in packs {
            if !found.present().contains_key(&pack)
                && inner.storage.stat(&pack.pack_path())?.is_none()
            {
                found.bad_pack(pack, "it is missing");
            }
        }
    }
    let packs: Vec<ObjectId> = found.present().keys().copied().collect();
    check_some(inner, &packs, sample, found, meter, control)
}

/// These packs, as far as they are there.
pub(super) fn check_some(
    inner: &Inner,
    packs: &[ObjectId],
    sample: Option<f64>,
    found: &Found,
    meter: &Meter<'_>,
    control: &Control,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let thread = || -> Result<()> {
        let mut worker = Worker { decoder: Decoder::new()?, domains: HashMap::new() };
        while !stop.load(Ordering::Relaxed) {
            let Some(pack) = packs.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let Some(size) = found.present().get(pack) else { continue };
            worker.check_pack(inner, *pack, *size, sample, found, meter, control)?;
        }
        Ok(())
    };
    let work = || {
        if let Err(error) = thread() {
            stop.store(true, Ordering::Relaxed);
            failure.lock().get_or_insert(error);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..thread_count(0) {
            let builder = std::thread::Builder::new().name("firn-verify".to_owned());
            let _ = builder.spawn_scoped(scope, work);
        }
        work();
    });
    failure.into_inner().map_or(Ok(()), Err)
}

struct Worker {
    decoder: Decoder,
    domains: HashMap<String, DomainKeys>,
}

impl Worker {
    #[allow(clippy::too_many_arguments)] // One call, one thread's whole world.
    fn check_pack(
        &mut self,
        inner: &Inner,
        pack: ObjectId,
        size_bytes: u64,
        sample: Option<f64>,
        found: &Found,
        meter: &Meter<'_>,
        control: &Control,
    ) -> Result<()> {
        control.check()?;
        found.count_pack();
        let object = pack.pack_path();
        let info = match read_trailer(&inner.storage, &inner.keyring, pack, size_bytes)? {
            Ok(info) => info,
            Err(what) => {
                found.bad_pack(pack, what);
                return Ok(());
            }
        };
        let start = inner.storage.get_range(&object, 0..PACK_HEADER_BYTES as u64)?;
        if start != header(pack) {
            found.bad_pack(pack, BAD_HEADER);
        }
        let mut random = rand::rng();
        let entries: Vec<PackEntry> = match sample {
            None => info.entries,
            Some(part) => info.entries.into_iter().filter(|_| random.random_bool(part)).collect(),
        };
        let domain = self
            .domains
            .entry(info.domain)
            .or_insert_with_key(|domain| inner.keyring.domain(domain))
            .clone();
        let key = BlobKey::new(&inner.keyring, pack)?;
        let mut rest = entries.as_slice();
        while let Some(first) = rest.first() {
            control.check()?;
            let from = u64::from(first.offset);
            let count = rest
                .iter()
                .take_while(|entry| entry.location(pack).end() <= from + READ_BYTES)
                .count()
                .max(1);
            let (now, later) = rest.split_at(count);
            rest = later;
            let to = now.iter().map(|entry| entry.location(pack).end()).max().unwrap_or(from);
            let mut data = match inner.storage.get_range(&object, from..to) {
                Ok(data) => data,
                Err(error) => match classify(object.clone(), error) {
                    FetchError::Other(error) => return Err(error),
                    FetchError::Damaged { what, .. } => {
                        found.bad_pack(pack, what);
                        return Ok(());
                    }
                },
            };
            meter.add(data.len() as u64);
            for entry in now {
                let start = (u64::from(entry.offset) - from) as usize;
                let end = (start + entry.stored_bytes as usize).min(data.len());
                let blob = &mut data[start.min(end)..end];
                let location = entry.location(pack);
                match self.decoder.decode(&key, &domain, &entry.id, &location, blob) {
                    Ok(plain) => found.count_chunk(plain.len()),
                    Err(what) => found.bad_blob(&location, what),
                }
            }
        }
        Ok(())
    }
}
