//! Which bytes of which disks are lost by what was found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_core::Extent;

use super::findings::{Found, Lost};
use super::packs::BAD_HEADER;
use crate::chunk::ChunkId;
use crate::fetch::FetchError;
use crate::format::{NODE_FANOUT, PACK_HEADER_BYTES};
use crate::map::{MapReader, chunk_count, span};
use crate::pack::{Decoder, Location, ObjectId, header, read_trailer};
use crate::read::map_reader;
use crate::repository::Inner;
use crate::{Affected, Control, DiskRecord, PointRecord, Result};

/// Goes through the maps of points. Parts that several points share and that are whole are
/// looked at once.
pub(super) struct Walker<'a> {
    inner: &'a Arc<Inner>,
    found: &'a Found,
    control: &'a Control,
    whole: HashSet<ChunkId>,
    /// Whether copies in packs with damaged ends were found good.
    suspects: HashMap<Location, bool>,
    lost: Lost,
    /// Packs whose header and trailer were looked at.
    ends: HashSet<ObjectId>,
    /// Whether a map node is damaged: nothing is known of what lies below it.
    hidden: bool,
}

struct Disk<'a> {
    record: &'a PointRecord,
    disk: &'a DiskRecord,
    map: MapReader,
    chunks: u64,
}

impl<'a> Walker<'a> {
    pub(super) fn new(inner: &'a Arc<Inner>, found: &'a Found, control: &'a Control) -> Self {
        Self {
            inner,
            found,
            control,
            whole: HashSet::new(),
            suspects: HashMap::new(),
            lost: Lost::new(),
            ends: HashSet::new(),
            hidden: false,
        }
    }

    pub(super) fn walk(&mut self, record: &PointRecord) -> Result<()> {
        for disk in &record.disks {
            let map = map_reader(self.inner, disk, &record.domain)?;
            let chunks = chunk_count(disk.size_bytes, self.inner.chunk_size.bytes());
            let Some(root) = disk.root.node else { continue };
            let level = disk.root.levels - 1;
            self.node(&Disk { record, disk, map, chunks }, level, 0, &root)?;
        }
        Ok(())
    }

    /// Whether there are parts that could not be looked at.
    pub(super) fn hidden(&self) -> bool {
        self.hidden
    }

    pub(super) fn finish(self) -> Lost {
        self.lost
    }

    /// Whether a node and all below it are whole.
    fn node(&mut self, disk: &Disk<'_>, level: u8, place: u64, id: &ChunkId) -> Result<bool> {
        if self.whole.contains(id) {
            return Ok(true);
        }
        self.control.check()?;
        let node = match disk.map.node(level, id) {
            Ok(node) => node,
            Err(FetchError::Other(error)) => return Err(error),
            Err(FetchError::Damaged { object, what }) => {
                self.hidden = true;
                self.lose(disk, level + 1, place, object, format!("map node: {what}"));
                return Ok(false);
            }
        };
        let mut whole = true;
        for (child, id) in node.children.iter().enumerate() {
            let Some(id) = id else { continue };
            let place = place * NODE_FANOUT as u64 + child as u64;
            if level > 0 {
                whole &= self.node(disk, level - 1, place, id)?;
            } else if place < disk.chunks {
                whole &= self.chunk(disk, place, id)?;
            }
        }
        if whole {
            self.whole.insert(*id);
        }
        Ok(whole)
    }

    fn chunk(&mut self, disk: &Disk<'_>, place: u64, id: &ChunkId) -> Result<bool> {
        let copies = self.inner.locate(id, disk.map.since())?;
        for copy in &copies {
            if self.is_good(disk, id, copy)? {
                return Ok(true);
            }
        }
        let (object, what) = match copies.first() {
            Some(copy) => (copy.pack.pack_path(), "it is damaged or missing".to_owned()),
            None => {
                (format!("chunk {id}"), "no index segment knows it; rebuild the index".to_owned())
            }
        };
        self.lose(disk, 0, place, object, what);
        Ok(false)
    }

    /// Looks at the header and trailer of a pack, once. Nobody needs them to read a chunk, but
    /// without them the index cannot be made anew.
    fn check_ends(&mut self, pack: ObjectId) -> Result<()> {
        let Some(size) = self.found.present().get(&pack) else { return Ok(()) };
        if !self.ends.insert(pack) {
            return Ok(());
        }
        let Inner { storage, keyring, .. } = self.inner.as_ref();
        if let Err(what) = read_trailer(storage, keyring, pack, *size)? {
            self.found.bad_pack(pack, what);
        } else if storage.get_range(&pack.pack_path(), 0..PACK_HEADER_BYTES as u64)? != header(pack)
        {
            self.found.bad_pack(pack, BAD_HEADER);
        }
        Ok(())
    }

    fn is_good(&mut self, disk: &Disk<'_>, id: &ChunkId, copy: &Location) -> Result<bool> {
        self.check_ends(copy.pack)?;
        let suspect = self.found.is_suspect(copy.pack);
        if self.found.is_bad_blob(copy) {
            return Ok(false);
        }
        if !self.found.present().contains_key(&copy.pack) && !suspect {
            // Written after the packs were listed, or gone.
            let there = self.inner.storage.stat(&copy.pack.pack_path())?.is_some();
            if !there {
                self.found.bad_pack(copy.pack, "it is missing");
            }
            return Ok(there);
        }
        if !suspect {
            return Ok(true);
        }
        if let Some(good) = self.suspects.get(copy) {
            return Ok(*good);
        }
        let mut decoder = Decoder::new()?;
        let good =
            match self.inner.fetch_copy(&mut decoder, disk.map.domain(), id, copy, &mut |_| {}) {
                Ok(()) => true,
                Err(FetchError::Damaged { .. }) => false,
                Err(FetchError::Other(error)) => return Err(error),
            };
        self.suspects.insert(*copy, good);
        Ok(good)
    }

    /// Notes the bytes below a chunk (0) or a node (level + 1) as lost.
    fn lose(&mut self, disk: &Disk<'_>, height: u8, place: u64, object: String, what: String) {
        let chunks = if height == 0 { 1 } else { span(height - 1) };
        let bytes = chunks.saturating_mul(u64::from(self.inner.chunk_size.bytes()));
        let start = place.saturating_mul(bytes);
        let range = Extent::new(start, bytes.min(disk.disk.size_bytes.saturating_sub(start)));
        let (_, affected) = self.lost.entry(object).or_insert_with(|| (what, Vec::new()));
        match affected.last_mut() {
            Some(last)
                if last.point == disk.record.id
                    && last.disk == disk.disk.id
                    && last.range.end() == range.offset =>
            {
                last.range.length += range.length;
            }
            _ => affected.push(Affected {
                point: disk.record.id,
                disk: disk.disk.id,
                device: disk.disk.device.clone(),
                range,
            }),
        }
    }
}
