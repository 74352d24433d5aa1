use crate::chunk::ChunkId;
use crate::format::{
    CHUNK_ID_BYTES, MAP_LEVELS_MAX, NODE_BITMAP_BYTES, NODE_FANOUT, NODE_HEADER_BYTES,
};

/// A node of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) level: u8,
    /// [`NODE_FANOUT`] of them; `None` is zero.
    pub(crate) children: Vec<Option<ChunkId>>,
}

impl Node {
    pub(crate) fn empty(level: u8) -> Self {
        Self { level, children: vec![None; NODE_FANOUT] }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.children.iter().all(Option::is_none)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let count = self.children.iter().flatten().count();
        let start = NODE_HEADER_BYTES + NODE_BITMAP_BYTES;
        let mut bytes = vec![0; start];
        bytes.reserve(count * CHUNK_ID_BYTES);
        bytes[0] = self.level;
        bytes[2..4].copy_from_slice(&(count as u16).to_le_bytes());
        for (place, child) in self.children.iter().enumerate() {
            if let Some(id) = child {
                bytes[NODE_HEADER_BYTES + place / 8] |= 1 << (place % 8);
                bytes.extend_from_slice(&id.0);
            }
        }
        bytes
    }

    /// `None` where the bytes are no node in its only right form.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(NODE_HEADER_BYTES)?;
        let (bitmap, ids) = rest.split_at_checked(NODE_BITMAP_BYTES)?;
        let &[level, 0, low, high, 0, 0, 0, 0] = header else { return None };
        let count = usize::from(u16::from_le_bytes([low, high]));
        let (ids, []) = ids.as_chunks::<CHUNK_ID_BYTES>() else { return None };
        if level >= MAP_LEVELS_MAX || count == 0 || ids.len() != count {
            return None;
        }
        let mut next = ids.iter();
        let mut node = Self::empty(level);
        for (place, child) in node.children.iter_mut().enumerate() {
            if bitmap[place / 8] & (1 << (place % 8)) != 0 {
                *child = Some(ChunkId(*next.next()?));
            }
        }
        next.next().is_none().then_some(node)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nodes_read_back(places in proptest::collection::btree_map(0..NODE_FANOUT, any::<[u8; 32]>(), 1..200), level in 0..MAP_LEVELS_MAX) {
            let mut node = Node::empty(level);
            for (place, id) in places {
                node.children[place] = Some(ChunkId(id));
            }
            let bytes = node.encode();
            prop_assert_eq!(Node::decode(&bytes), Some(node));
            prop_assert_eq!(Node::decode(&bytes[..bytes.len() - 1]), None);
            let longer = [bytes.as_slice(), &[0]].concat();
            prop_assert_eq!(Node::decode(&longer), None);
        }
    }

    #[test]
    fn an_empty_node_does_not_exist() {
        assert!(Node::empty(0).is_empty());
        assert_eq!(Node::decode(&Node::empty(0).encode()), None);
    }
}
