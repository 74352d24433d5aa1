//! Every chunk of a disk, read in the order it lies in packs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firn_core::Extent;
use parking_lot::Mutex;

use crate::chunk::ChunkId;
use crate::fetch::{FetchError, classify};
use crate::format::NODE_FANOUT;
use crate::map::{MapReader, chunk_count, span};
use crate::pack::{BlobKey, Decoder, Location};
use crate::queue::{Popped, Queue};
use crate::repository::Inner;
use crate::{Control, RepositoryError, Result};

/// Chunks whose places are looked up and sorted together.
const WINDOW_CHUNKS: usize = 4096;
/// A read goes on over so many bytes that nobody asked for.
const GAP_BYTES: u64 = 128 << 10;

/// What to do with what is read. Called from many threads.
pub(crate) trait Visitor: Sync {
    /// Whether a chunk is of interest at all.
    fn wants(&self, _id: &ChunkId) -> bool {
        true
    }
    /// What takes the chunks that one thread reads.
    fn consumer(&self) -> Box<dyn Consumer + '_>;
    /// A copy that is damaged; there may be another one.
    fn bad_copy(&self, _location: &Location, _what: &str) {}
    /// Bytes that cannot be had.
    fn lost(&self, range: Extent, object: String, what: String) -> Result<()>;
}

/// Takes chunks, mostly in the order of the disk.
pub(crate) trait Consumer {
    /// The content of a chunk, and all its places in the disk.
    fn chunk(&mut self, places: &[u64], plain: &[u8]) -> Result<()>;
    /// There is nothing more to come. Not called after a failure.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// How to scan.
pub(crate) struct Scan<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) map: &'a MapReader,
    pub(crate) control: &'a Control,
    pub(crate) threads: usize,
    /// Largest read.
    pub(crate) read_bytes: u64,
}

/// A range of a pack, and what is wanted of it.
struct Item {
    range: std::ops::Range<u64>,
    blobs: Vec<Wanted>,
}

struct Wanted {
    id: ChunkId,
    location: Location,
    /// Ascending, and not empty.
    places: Vec<u64>,
}

impl Wanted {
    fn place(&self) -> u64 {
        self.places.first().copied().unwrap_or_default()
    }
}

/// Reads all of a disk's chunks; gives the bytes read from packs.
pub(crate) fn scan(scan: &Scan<'_>, visitor: &dyn Visitor) -> Result<u64> {
    let queue = Queue::new(scan.threads * 2);
    let stop = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let read = Mutex::new(0);
    let fail = |error| {
        // In this order: who sees the flag must not be the first to tell of a failure.
        failure.lock().get_or_insert(error);
        stop.store(true, Ordering::Release);
    };
    let work = || match run_worker(scan, visitor, &queue, &stop) {
        Ok(bytes) => *read.lock() += bytes,
        Err(error) => fail(error),
    };
    std::thread::scope(|scope| {
        let mut started = 0;
        for _ in 0..scan.threads {
            let builder = std::thread::Builder::new().name("firn-read".to_owned());
            started += usize::from(builder.spawn_scoped(scope, work).is_ok());
        }
        if started == 0 {
            fail(RepositoryError::Internal { what: "no thread can be started" });
        } else if let Err(error) = feed(scan, visitor, &queue, &stop) {
            fail(error);
        }
        queue.close();
    });
    match failure.into_inner() {
        Some(error) => Err(error),
        None => Ok(read.into_inner()),
    }
}

/// Walks the map and queues what is to be read.
fn feed(
    scan: &Scan<'_>,
    visitor: &dyn Visitor,
    queue: &Queue<Item>,
    stop: &AtomicBool,
) -> Result<()> {
    let chunk_bytes = scan.inner.chunk_size.bytes();
    let chunks = chunk_count(scan.map.root().size_bytes, chunk_bytes);
    let mut window: Vec<(u64, ChunkId)> = Vec::new();
    let flush = |window: &mut Vec<(u64, ChunkId)>| -> Result<()> {
        for item in plan(scan, visitor, std::mem::take(window))? {
            queue.push(item, &|| {
                scan.control.check()?;
                if stop.load(Ordering::Acquire) { Err(RepositoryError::Cancelled) } else { Ok(()) }
            })?;
        }
        Ok(())
    };
    walk(scan, visitor, &mut |first, ids| {
        if stop.load(Ordering::Acquire) {
            return Ok(false);
        }
        scan.control.check()?;
        for (place, id) in ids.iter().enumerate() {
            let chunk = first + place as u64;
            if let Some(id) = id
                && chunk < chunks
                && visitor.wants(id)
            {
                window.push((chunk, *id));
            }
        }
        if window.len() >= WINDOW_CHUNKS {
            flush(&mut window)?
        };
        Ok(true)
    })?;
    flush(&mut window)
}

/// Takes the first chunk number of a leaf and its ids; false ends the walk.
type TakeLeaf<'a> = dyn FnMut(u64, &[Option<ChunkId>]) -> Result<bool> + 'a;

/// Visits the leaves in order; nodes that cannot be read are lost ranges.
fn walk(scan: &Scan<'_>, visitor: &dyn Visitor, take: &mut TakeLeaf<'_>) -> Result<()> {
    let root = scan.map.root();
    let Some(id) = root.node else { return Ok(()) };
    descend(scan, visitor, root.levels - 1, 0, &id, take).map(|_| ())
}

fn descend(
    scan: &Scan<'_>,
    visitor: &dyn Visitor,
    level: u8,
    place: u64,
    id: &ChunkId,
    take: &mut TakeLeaf<'_>,
) -> Result<bool> {
    let node = match scan.map.node(level, id) {
        Ok(node) => node,
        Err(FetchError::Other(error)) => return Err(error),
        Err(FetchError::Damaged { object, what }) => {
            let range = node_range(scan, level, place);
            visitor.lost(range, object, format!("map node: {what}"))?;
            return Ok(true);
        }
    };
    if level == 0 {
        return take(place * NODE_FANOUT as u64, &node.children);
    }
    for (child, id) in node.children.iter().enumerate() {
        if let Some(id) = id
            && !descend(
                scan,
                visitor,
                level - 1,
                place * NODE_FANOUT as u64 + child as u64,
                id,
                take,
            )?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn node_range(scan: &Scan<'_>, level: u8, place: u64) -> Extent {
    let bytes = span(level).saturating_mul(u64::from(scan.inner.chunk_size.bytes()));
    let start = place.saturating_mul(bytes);
    Extent::new(start, bytes.min(scan.map.root().size_bytes.saturating_sub(start)))
}

fn chunk_range(scan: &Scan<'_>, chunk: u64) -> Extent {
    let bytes = u64::from(scan.inner.chunk_size.bytes());
    let start = chunk * bytes;
    Extent::new(start, bytes.min(scan.map.root().size_bytes.saturating_sub(start)))
}

/// Looks up a window's chunks, and makes few large reads of many small ones.
fn plan(scan: &Scan<'_>, visitor: &dyn Visitor, window: Vec<(u64, ChunkId)>) -> Result<Vec<Item>> {
    let mut places: HashMap<ChunkId, Vec<u64>> = HashMap::with_capacity(window.len());
    for (chunk, id) in window {
        places.entry(id).or_default().push(chunk);
    }
    let mut wanted = Vec::with_capacity(places.len());
    for (id, places) in places {
        match scan.inner.locate(&id, scan.map.since())?.into_iter().next() {
            Some(location) => wanted.push(Wanted { id, location, places }),
            None => {
                for chunk in places {
                    visitor.lost(
                        chunk_range(scan, chunk),
                        format!("chunk {id}"),
                        "no index segment knows it; rebuild the index".to_owned(),
                    )?;
                }
            }
        }
    }
    wanted.sort_unstable_by_key(|wanted| wanted.location);
    let mut items: Vec<Item> = Vec::new();
    let mut pack = None;
    for wanted in wanted {
        let (start, end) = (u64::from(wanted.location.offset), wanted.location.end());
        let near = pack == Some(wanted.location.pack);
        pack = Some(wanted.location.pack);
        match items.last_mut() {
            Some(item)
                if near
                    && start <= item.range.end + GAP_BYTES
                    && end - item.range.start <= scan.read_bytes =>
            {
                item.range.end = item.range.end.max(end);
                item.blobs.push(wanted);
            }
            _ => items.push(Item { range: start..end, blobs: vec![wanted] }),
        }
    }
    // Back to the order of the disk: targets like it, and packs were nearly filled in it.
    for item in &mut items {
        item.blobs.sort_unstable_by_key(Wanted::place);
    }
    items.sort_by_key(|item| item.blobs.first().map(Wanted::place));
    Ok(items)
}

fn run_worker(
    scan: &Scan<'_>,
    visitor: &dyn Visitor,
    queue: &Queue<Item>,
    stop: &AtomicBool,
) -> Result<u64> {
    let mut decoder = Decoder::new()?;
    let mut consumer = visitor.consumer();
    let mut read = 0;
    loop {
        match queue.pop() {
            Popped::Closed if stop.load(Ordering::Acquire) => return Ok(read),
            Popped::Closed => return consumer.finish().map(|()| read),
            Popped::Nothing => {}
            // What is queued after a failure only has to leave the queue.
            Popped::Item(_) if stop.load(Ordering::Acquire) => {}
            Popped::Item(item) => {
                read += run_item(scan, visitor, consumer.as_mut(), &item, &mut decoder)?;
            }
        }
    }
}

fn run_item(
    scan: &Scan<'_>,
    visitor: &dyn Visitor,
    consumer: &mut dyn Consumer,
    item: &Item,
    decoder: &mut Decoder,
) -> Result<u64> {
    scan.control.check()?;
    let Some(first) = item.blobs.first() else { return Ok(0) };
    let pack = first.location.pack;
    let object = pack.pack_path();
    let mut data = match scan.inner.storage.get_range(&object, item.range.clone()) {
        Ok(data) => data,
        Err(error) => match classify(object, error) {
            FetchError::Other(error) => return Err(error),
            FetchError::Damaged { .. } => Vec::new(),
        },
    };
    let read = data.len() as u64;
    let key = BlobKey::new(&scan.inner.keyring, pack)?;
    for wanted in &item.blobs {
        let start = (u64::from(wanted.location.offset) - item.range.start) as usize;
        let end = (start + wanted.location.stored_bytes as usize).min(data.len());
        let blob = &mut data[start.min(end)..end];
        let domain = scan.map.domain();
        match decoder.decode(&key, domain, &wanted.id, &wanted.location, blob) {
            Ok(plain) => consumer.chunk(&wanted.places, plain)?,
            Err(what) => {
                visitor.bad_copy(&wanted.location, what);
                another_copy(scan, visitor, consumer, wanted, decoder)?;
            }
        }
    }
    Ok(read)
}

/// The first copy is damaged: tries all there are.
fn another_copy(
    scan: &Scan<'_>,
    visitor: &dyn Visitor,
    consumer: &mut dyn Consumer,
    wanted: &Wanted,
    decoder: &mut Decoder,
) -> Result<()> {
    match scan.inner.fetch(decoder, scan.map.domain(), &wanted.id, scan.map.since()) {
        Ok(plain) => consumer.chunk(&wanted.places, &plain),
        Err(FetchError::Other(error)) => Err(error),
        Err(FetchError::Damaged { object, what }) => {
            for chunk in &wanted.places {
                visitor.lost(chunk_range(scan, *chunk), object.clone(), what.clone())?;
            }
            Ok(())
        }
    }
}
