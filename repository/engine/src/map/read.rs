use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::{Node, span};
use crate::MapRoot;
use crate::chunk::ChunkId;
use crate::crypto::DomainKeys;
use crate::fetch::FetchError;
use crate::format::NODE_FANOUT;
use crate::pack::Decoder;
use crate::repository::Inner;

/// Leaves kept in memory; nodes above them are all kept, being a thousandth in number.
const LEAVES_KEPT: usize = 64;

/// Reads the nodes of one map.
pub(crate) struct MapReader {
    inner: Arc<Inner>,
    domain: DomainKeys,
    root: MapRoot,
    /// Everything that the map leads to was published before.
    since: Instant,
    nodes: Mutex<HashMap<ChunkId, Arc<Node>>>,
    leaves: Mutex<Vec<(ChunkId, Arc<Node>)>>,
    decoder: Mutex<Option<Decoder>>,
}

impl MapReader {
    pub(crate) fn new(inner: Arc<Inner>, domain: DomainKeys, root: MapRoot) -> Self {
        Self {
            inner,
            domain,
            root,
            since: Instant::now(),
            nodes: Mutex::default(),
            leaves: Mutex::default(),
            decoder: Mutex::default(),
        }
    }

    pub(crate) fn root(&self) -> &MapRoot {
        &self.root
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn domain(&self) -> &DomainKeys {
        &self.domain
    }

    /// The node of an id, which must be of this level.
    pub(crate) fn node(&self, level: u8, id: &ChunkId) -> Result<Arc<Node>, FetchError> {
        if let Some(node) = self.known(level, id) {
            return Ok(node);
        }
        let mut decoder = match self.decoder.lock().take() {
            Some(decoder) => decoder,
            None => Decoder::new()?,
        };
        let plain = self.inner.fetch(&mut decoder, &self.domain, id, self.since)?;
        *self.decoder.lock() = Some(decoder);
        let node = Node::decode(&plain).filter(|node| node.level == level).ok_or_else(|| {
            FetchError::Damaged {
                object: format!("map node {id}"),
                what: "it is no node of its level".to_owned(),
            }
        })?;
        let node = Arc::new(node);
        if level > 0 {
            self.nodes.lock().insert(*id, Arc::clone(&node));
        } else {
            let mut leaves = self.leaves.lock();
            if leaves.len() >= LEAVES_KEPT {
                leaves.remove(0);
            }
            leaves.push((*id, Arc::clone(&node)));
        }
        Ok(node)
    }

    fn known(&self, level: u8, id: &ChunkId) -> Option<Arc<Node>> {
        if level > 0 {
            return self.nodes.lock().get(id).cloned();
        }
        let mut leaves = self.leaves.lock();
        let place = leaves.iter().rposition(|(known, _)| known == id)?;
        let leaf = leaves.remove(place);
        leaves.push(leaf.clone());
        Some(leaf.1)
    }

    /// Id of the node at a level and place, in a tree that is thought as high as needed: above
    /// the root, only first children exist.
    pub(crate) fn find(&self, level: u8, place: u64) -> Result<Option<ChunkId>, FetchError> {
        let Some(mut id) = self.root.node else { return Ok(None) };
        let mut at = self.root.levels - 1;
        if level >= at {
            return Ok((level == at && place == 0).then_some(id));
        }
        if place >= span(at) / span(level) {
            return Ok(None);
        }
        while at > level {
            let node = self.node(at, &id)?;
            at -= 1;
            let child = (place / (span(at) / span(level))) % NODE_FANOUT as u64;
            match node.children[child as usize] {
                Some(child) => id = child,
                None => return Ok(None),
            }
        }
        Ok(Some(id))
    }

    /// The leaf over chunks from `place` × fan-out on; `None` where all of it is zero.
    pub(crate) fn leaf(&self, place: u64) -> Result<Option<Arc<Node>>, FetchError> {
        match self.find(0, place)? {
            Some(id) => self.node(0, &id).map(Some),
            None => Ok(None),
        }
    }
}
