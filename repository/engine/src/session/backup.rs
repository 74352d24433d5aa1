use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firn_core::{Extent, ExtentList};
use parking_lot::Mutex;

use super::Session;
use super::marker::start_fraction;
use super::pool::BufferPool;
use super::worker::{BATCH_BYTES, DiskWork, Unit, Worker};
use crate::control::Meter;
use crate::format::{CHUNK_BYTES_MAX, NODE_BITMAP_BYTES, NODE_FANOUT};
use crate::map::{MapBuilder, MapReader, chunk_count};
use crate::pack::Encoder;
use crate::{Control, DiskImage, DiskPlan, DiskStats, RepositoryError, Result, Source};

/// Bytes that a thread reads at once: about a core's cache.
const UNIT_BYTES: u64 = 1 << 20;
/// How long other sessions are given to publish what they were found storing.
const DEFER_WAIT: Duration = Duration::from_secs(5);
/// Packs in memory at once: one open, one waiting, two on their way, one in the making.
const PACKS_IN_MEMORY: u64 = 5;

/// Everything that is not a buffer: index, claims, maps, the allocator's reserve.
const OTHER_BYTES: u64 = 24 << 20;

/// A plan in chunk numbers: the two sets do not meet.
#[derive(Debug, PartialEq, Eq)]
struct ChunkPlan {
    read: ExtentList,
    zero: ExtentList,
}

impl ChunkPlan {
    fn new(plan: &DiskPlan, chunk_bytes: u64) -> Self {
        let size = plan.size_bytes;
        let whole = ExtentList::whole(size);
        let mut wanted = plan.read.intersection(&whole);
        let mut zero = ExtentList::new();
        if let Some(base) = &plan.base {
            for extent in plan.zero.difference(&plan.read).intersection(&whole).as_slice() {
                let start = extent.offset.next_multiple_of(chunk_bytes);
                let reaches_end = extent.end() == size;
                let end =
                    if reaches_end { size.next_multiple_of(chunk_bytes) } else { extent.end() };
                let end = end - end % chunk_bytes;
                if start >= end {
                    wanted = wanted.union(&ExtentList::from_iter([*extent]));
                    continue;
                }
                zero.push(Extent::new(start / chunk_bytes, (end - start) / chunk_bytes));
                let edges = [
                    Extent::new(extent.offset, start - extent.offset),
                    Extent::new(end, extent.end().saturating_sub(end)),
                ];
                wanted = wanted.union(&edges.into_iter().filter(|e| e.length > 0).collect());
            }
            // A disk that became smaller: its last chunk must be zero behind the new end.
            if base.size_bytes > size && !size.is_multiple_of(chunk_bytes) {
                let last = ExtentList::from_iter([Extent::new(size - 1, 1)]);
                wanted = wanted.union(&last);
            }
        }
        let read: ExtentList = wanted
            .as_slice()
            .iter()
            .map(|extent| {
                let first = extent.offset / chunk_bytes;
                Extent::new(first, extent.end().div_ceil(chunk_bytes) - first)
            })
            .collect();
        Self { zero: zero.difference(&read), read }
    }

    /// The runs to read, from a place on and then from the start.
    fn units(&self, start: u64, unit_chunks: u64) -> Vec<Extent> {
        let before = ExtentList::from_iter([Extent::new(0, start - start % unit_chunks)]);
        let late = self.read.difference(&before);
        let early = self.read.intersection(&before);
        late.as_slice().iter().chain(early.as_slice()).copied().collect()
    }
}

/// Hands out units to the threads.
struct Feed {
    runs: Vec<Extent>,
    at: Mutex<(usize, u64)>,
    unit_chunks: u64,
}

impl Feed {
    fn next(&self) -> Option<Unit> {
        let mut at = self.at.lock();
        let (run, done) = *at;
        let extent = self.runs.get(run)?;
        let first = extent.offset + done;
        // Units end where others would begin, whatever the start of their run.
        let count = (self.unit_chunks - first % self.unit_chunks).min(extent.end() - first);
        *at = if first + count == extent.end() { (run + 1, 0) } else { (run, done + count) };
        Some(Unit { first, count })
    }
}

impl Session {
    /// Stores a disk. Several disks may be stored at once.
    ///
    /// The progress callback counts up to [`DiskPlan::work_bytes`]. A failure ends the session:
    /// chunks that it was about to store are lost, and nothing may rely on them.
    pub fn backup_disk(
        &self,
        source: &dyn Source,
        plan: &DiskPlan,
        control: &Control,
    ) -> Result<DiskImage> {
        self.shared.check()?;
        check_plan(plan)?;
        let stored = self.store_disk(source, plan, control);
        if let Err(error) = &stored {
            self.shared.poison(error);
        }
        stored
    }

    fn store_disk(
        &self,
        source: &dyn Source,
        plan: &DiskPlan,
        control: &Control,
    ) -> Result<DiskImage> {
        let shared = &*self.shared;
        let chunk_bytes = shared.inner.chunk_size.bytes();
        let threads = threads(plan);
        let unit_chunks = (UNIT_BYTES / u64::from(chunk_bytes)).max(1);
        shared.appender.limit(pack_bytes(plan, threads, chunk_bytes));

        let chunks = ChunkPlan::new(plan, u64::from(chunk_bytes));
        let base = plan
            .base
            .clone()
            .map(|root| MapReader::new(Arc::clone(&shared.inner), shared.keys.clone(), root));
        let count = chunk_count(plan.size_bytes, chunk_bytes);
        let rank = shared.rank.load(Ordering::Relaxed);
        let start = (u128::from(count) * u128::from(start_fraction(rank))) >> 16;
        let feed = Feed {
            runs: chunks.units(start as u64, unit_chunks),
            at: Mutex::new((0, 0)),
            unit_chunks,
        };
        let map = MapBuilder::new(base, plan.size_bytes, chunk_bytes, &chunks.read, chunks.zero);
        let meter = Meter::new(control);
        let largest = (chunk_bytes as usize).max(node_bytes_max());
        let work = DiskWork {
            session: shared,
            source,
            size_bytes: plan.size_bytes,
            chunk_bytes: chunk_bytes as usize,
            level: plan.compression_level,
            control,
            meter: &meter,
            pool: BufferPool::new(BATCH_BYTES + Encoder::room(largest)),
            deferred: Mutex::default(),
        };
        let mut stats = run_threads(&work, &feed, &map, plan, threads)?;
        stats.reused_bytes += settle_deferred(&work, &mut stats)?;
        let mut last = Worker::new(&work)?;
        let root = map.finish(&mut last)?;
        last.flush()?;
        add(&mut stats, &last.stats);
        Ok(DiskImage { root, size_bytes: plan.size_bytes, stats })
    }
}

/// Runs the threads until all is read or one has failed.
fn run_threads(
    work: &DiskWork<'_>,
    feed: &Feed,
    map: &MapBuilder,
    plan: &DiskPlan,
    threads: usize,
) -> Result<DiskStats> {
    let stop = AtomicBool::new(false);
    let total = Mutex::new(DiskStats::default());
    let failure = Mutex::new(None);
    let chunk_bytes = work.chunk_bytes as u64;
    let thread = || -> Result<()> {
        let mut worker = Worker::new(work)?;
        while !stop.load(Ordering::Relaxed) {
            let Some(unit) = feed.next() else { break };
            worker.run(unit, map)?;
            let extent = Extent::new(unit.first * chunk_bytes, unit.count * chunk_bytes);
            worker.report(overlap(&plan.read, extent.offset, extent.end().min(plan.size_bytes)));
        }
        worker.flush()?;
        add(&mut total.lock(), &worker.stats);
        Ok(())
    };
    std::thread::scope(|scope| {
        let run = || {
            if let Err(error) = thread() {
                failure.lock().get_or_insert(error);
                stop.store(true, Ordering::Relaxed);
            }
        };
        for _ in 1..threads {
            // Fewer threads than wanted still do all the work.
            let _ =
                std::thread::Builder::new().name("firn-backup".to_owned()).spawn_scoped(scope, run);
        }
        run();
    });
    match failure.into_inner() {
        Some(error) => Err(error),
        None => Ok(total.into_inner()),
    }
}

/// Waits for what other sessions were found storing, and stores what they did not publish.
/// Gives the bytes that need not be stored.
fn settle_deferred(work: &DiskWork<'_>, stats: &mut DiskStats) -> Result<u64> {
    let mut waiting = std::mem::take(&mut *work.deferred.lock());
    if waiting.is_empty() {
        return Ok(0);
    }
    let session = work.session;
    let total = waiting.len() as u64;
    // The other side may be waiting for us just as well.
    session.flush(&|| work.check())?;
    let began = Instant::now();
    loop {
        session.inner.index.refresh()?;
        waiting.retain(|(_, id)| {
            let found = session.inner.index.find_good(id).is_some();
            if found {
                session.pending.remove(id);
            }
            !found
        });
        if waiting.is_empty() || began.elapsed() > DEFER_WAIT {
            break;
        }
        session.look_around()?;
        if !session.crowded() {
            break;
        }
        work.check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    let reused = total - waiting.len() as u64;
    if !waiting.is_empty() {
        // Their owner may have ended between the last two looks.
        session.inner.index.refresh()?;
        let mut worker = Worker::new(work)?;
        for (chunk, id) in &waiting {
            worker.store_deferred(*chunk, id)?;
        }
        worker.flush()?;
        worker.stats.read_bytes = 0;
        add(stats, &worker.stats);
    }
    Ok(reused * work.chunk_bytes as u64)
}

fn check_plan(plan: &DiskPlan) -> Result<()> {
    let invalid = |what: String| Err(RepositoryError::Invalid { what });
    if !(1..=19).contains(&plan.compression_level) {
        return invalid(format!(
            "a compression level is from 1 to 19, not {}",
            plan.compression_level
        ));
    }
    if plan.size_bytes > 1 << 56 {
        return invalid(format!("a disk of {} bytes is too large", plan.size_bytes));
    }
    Ok(())
}

fn threads(plan: &DiskPlan) -> usize {
    if plan.threads > 0 {
        return plan.threads.min(64);
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    (cores * 2).clamp(2, 16)
}

/// How large packs may be so that all buffers fit into the plan's memory.
fn pack_bytes(plan: &DiskPlan, threads: usize, chunk_bytes: u32) -> usize {
    let chunk = u64::from(chunk_bytes);
    let per_thread = UNIT_BYTES.max(chunk) + BATCH_BYTES as u64 + 2 * chunk + (2 << 20);
    let left = plan.memory_bytes.saturating_sub(per_thread * threads as u64 + OTHER_BYTES);
    // Buffers are at worst four fifths full.
    let bytes = left / PACKS_IN_MEMORY * 4 / 5;
    bytes.clamp(u64::from(CHUNK_BYTES_MAX), crate::format::PACK_TARGET_BYTES as u64) as usize
}

fn node_bytes_max() -> usize {
    8 + NODE_BITMAP_BYTES + NODE_FANOUT * crate::format::CHUNK_ID_BYTES
}

/// Bytes of a set within a range.
fn overlap(set: &ExtentList, start: u64, end: u64) -> u64 {
    let extents = set.as_slice();
    let first = extents.partition_point(|extent| extent.end() <= start);
    let range = Extent::new(start, end.saturating_sub(start));
    extents[first..]
        .iter()
        .map_while(|extent| extent.intersection(&range))
        .map(|extent| extent.length)
        .sum()
}

fn add(total: &mut DiskStats, more: &DiskStats) {
    total.read_bytes += more.read_bytes;
    total.zero_bytes += more.zero_bytes;
    total.new_bytes += more.new_bytes;
    total.reused_bytes += more.reused_bytes;
    total.stored_bytes += more.stored_bytes;
}
