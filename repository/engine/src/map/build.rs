use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use firn_core::ExtentList;
use parking_lot::Mutex;

use super::{MapReader, Node, levels, span};
use crate::chunk::ChunkId;
use crate::fetch::FetchError;
use crate::format::NODE_FANOUT;
use crate::{MapRoot, RepositoryError, Result};

const FANOUT: u64 = NODE_FANOUT as u64;

/// Stores the encoded nodes that a map is made of.
pub(crate) trait NodeStore {
    fn store_node(&mut self, plain: &[u8]) -> Result<ChunkId>;
}

/// Makes the map of a disk from a base and the ids of its changed chunks, which come in any
/// order from many threads. Leaves leave memory once complete.
pub(crate) struct MapBuilder {
    base: Option<MapReader>,
    size_bytes: u64,
    chunks: u64,
    /// Chunks that become zero, by chunk number.
    zero: ExtentList,
    /// Chunks still to come of each leaf that is touched.
    waiting: Mutex<BTreeMap<u64, u64>>,
    open: Mutex<HashMap<u64, Arc<Mutex<Option<Node>>>>>,
    /// Finished leaves, by place.
    done: Mutex<BTreeMap<u64, Option<ChunkId>>>,
}

impl MapBuilder {
    /// `set` and `zero` are in chunk numbers and do not meet: the chunks that
    /// [`set`](Self::set) will be called for, and those that become zero.
    pub(crate) fn new(
        base: Option<MapReader>,
        size_bytes: u64,
        chunk_bytes: u32,
        set: &ExtentList,
        zero: ExtentList,
    ) -> Self {
        let chunks = super::chunk_count(size_bytes, chunk_bytes);
        let mut waiting = BTreeMap::new();
        for (leaf, count) in by_leaf(set) {
            *waiting.entry(leaf).or_insert(0) += count;
        }
        Self {
            base,
            size_bytes,
            chunks,
            zero,
            waiting: Mutex::new(waiting),
            open: Mutex::default(),
            done: Mutex::default(),
        }
    }

    /// Takes the ids of chunks from `first` on; `None` is zero.
    pub(crate) fn set(
        &self,
        first: u64,
        ids: &[Option<ChunkId>],
        store: &mut dyn NodeStore,
    ) -> Result<()> {
        let mut at = first;
        let mut rest = ids;
        while !rest.is_empty() {
            let leaf = at / FANOUT;
            let place = (at % FANOUT) as usize;
            let (now, later) = rest.split_at(rest.len().min(NODE_FANOUT - place));
            let slot = Arc::clone(self.open.lock().entry(leaf).or_default());
            {
                let mut slot = slot.lock();
                let node = match &mut *slot {
                    Some(node) => node,
                    None => slot.insert(self.start_leaf(leaf)?),
                };
                node.children[place..place + now.len()].copy_from_slice(now);
            }
            if self.count_down(leaf, now.len() as u64)? {
                self.open.lock().remove(&leaf);
                if let Some(node) = slot.lock().take() {
                    self.finish_leaf(leaf, &node, store)?;
                }
            }
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }

    /// Whether these were the last chunks of a leaf.
    fn count_down(&self, leaf: u64, count: u64) -> Result<bool> {
        let mut waiting = self.waiting.lock();
        let left = waiting.get_mut(&leaf).and_then(|left| {
            *left = left.checked_sub(count)?;
            Some(*left)
        });
        match left {
            Some(0) => {
                waiting.remove(&leaf);
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(RepositoryError::Internal { what: "a chunk was set that was not planned" }),
        }
    }

    /// The leaf as the base has it, with what becomes zero taken out.
    fn start_leaf(&self, leaf: u64) -> Result<Node> {
        let mut node = match &self.base {
            Some(base) => match base.leaf(leaf).map_err(FetchError::of_map)? {
                Some(node) => (*node).clone(),
                None => Node::empty(0),
            },
            None => Node::empty(0),
        };
        let first = leaf * FANOUT;
        for (place, child) in node.children.iter_mut().enumerate() {
            let chunk = first + place as u64;
            if child.is_some() && (chunk >= self.chunks || holds(&self.zero, chunk)) {
                *child = None;
            }
        }
        Ok(node)
    }

    fn finish_leaf(&self, leaf: u64, node: &Node, store: &mut dyn NodeStore) -> Result<()> {
        let id = if node.is_empty() { None } else { Some(store.store_node(&node.encode())?) };
        self.done.lock().insert(leaf, id);
        Ok(())
    }

    /// The finished map, once every planned chunk was set.
    pub(crate) fn finish(self, store: &mut dyn NodeStore) -> Result<MapRoot> {
        if !self.waiting.lock().is_empty() {
            return Err(RepositoryError::Internal { what: "a planned chunk was never set" });
        }
        let shrunk =
            self.base.as_ref().is_some_and(|base| base.root().size_bytes > self.size_bytes);
        if self.base.is_some() {
            for (leaf, count) in by_leaf(&self.zero) {
                let present = self.done.lock().contains_key(&leaf);
                if present {
                    continue;
                }
                if count == FANOUT {
                    self.done.lock().insert(leaf, None);
                } else {
                    let node = self.start_leaf(leaf)?;
                    self.finish_leaf(leaf, &node, store)?;
                }
            }
            let last = self.chunks / FANOUT;
            if shrunk
                && !self.chunks.is_multiple_of(FANOUT)
                && !self.done.lock().contains_key(&last)
            {
                let node = self.start_leaf(last)?;
                self.finish_leaf(last, &node, store)?;
            }
        }
        let levels = levels(self.chunks);
        let done = std::mem::take(&mut *self.done.lock());
        let node = self.build(levels - 1, 0, &done, shrunk, store)?;
        Ok(MapRoot { size_bytes: self.size_bytes, levels, node })
    }

    fn build(
        &self,
        level: u8,
        place: u64,
        done: &BTreeMap<u64, Option<ChunkId>>,
        shrunk: bool,
        store: &mut dyn NodeStore,
    ) -> Result<Option<ChunkId>> {
        let (start, end) = (place * span(level), (place + 1) * span(level));
        if start >= self.chunks {
            return Ok(None);
        }
        if level == 0
            && let Some(id) = done.get(&place)
        {
            return Ok(*id);
        }
        let touched = done.range(start / FANOUT..end.div_ceil(FANOUT)).next().is_some();
        let cut = shrunk && level > 0 && end > self.chunks;
        // The base's tree is lower: its root becomes the first of many.
        let raised = place == 0
            && self
                .base
                .as_ref()
                .is_some_and(|base| base.root().node.is_some() && level >= base.root().levels);
        if !touched && !cut && !raised {
            return match &self.base {
                Some(base) => base.find(level, place).map_err(FetchError::of_map),
                None => Ok(None),
            };
        }
        let mut node = Node::empty(level);
        for (child, id) in node.children.iter_mut().enumerate() {
            let place = place * FANOUT + child as u64;
            *id = self.build(level - 1, place, done, shrunk, store)?;
        }
        if node.is_empty() { Ok(None) } else { store.store_node(&node.encode()).map(Some) }
    }
}

fn holds(set: &ExtentList, chunk: u64) -> bool {
    let extents = set.as_slice();
    let after = extents.partition_point(|extent| extent.offset <= chunk);
    after > 0 && extents[after - 1].end() > chunk
}

/// How many chunks of a set each leaf holds, in order; a leaf may come several times.
fn by_leaf(set: &ExtentList) -> impl Iterator<Item = (u64, u64)> + '_ {
    let mut last: Option<(u64, u64)> = None;
    let mut counts = Vec::new();
    for extent in set.as_slice() {
        let mut at = extent.offset;
        while at < extent.end() {
            let leaf = at / FANOUT;
            let end = extent.end().min((leaf + 1) * FANOUT);
            match &mut last {
                Some((known, count)) if *known == leaf => *count += end - at,
                _ => {
                    counts.extend(last.take());
                    last = Some((leaf, end - at));
                }
            }
            at = end;
        }
    }
    counts.extend(last);
    counts.into_iter()
}
