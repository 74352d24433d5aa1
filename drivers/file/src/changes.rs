//! What changed since an earlier backup, by persistent dirty bitmaps.
//!
//! A bitmap is a promise of others: QEMU sets a bit before it writes, but a tool may clear the
//! bitmap, remove it and make another of the same name, or put an older file in the image's
//! place. So the token keeps which bits were set; bits only ever get set, so a bitmap that has
//! lost one is not the one that was seen. And it keeps where the clusters lay, since a write that
//! no bit tells of has most often moved some. `docs/adr/0004` has the whole rule.

use std::path::PathBuf;

use firn_driver_sdk::{DriverError, Extent, ExtentList};
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Part};
use crate::qcow2::{self, Bitmap, Header, Table};

const VERSION: u32 = 1;
/// So many runs of a bitmap are kept; the check then rests on a part of them.
const RUNS_KEPT: usize = 4096;
const REGIONS_MOST: u64 = 2048;
const REGION_BYTES_LEAST: u64 = 1 << 20;

/// What a restore point remembers of the disk it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    version: u32,
    size_bytes: u64,
    /// Digest of the internal snapshots.
    snapshots: String,
    /// What the image rests on, nearest first.
    backing: Vec<Backing>,
    bitmaps: Vec<Seen>,
    /// Where the image's clusters lay: evidence against a bitmap that missed a write.
    #[serde(default)]
    layout: Option<Layout>,
}

/// Digests of the cluster tables, one a region of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Layout {
    region_bytes: u64,
    digests: Vec<u32>,
}

/// A backing file: if it changes, no bitmap of the image tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Backing {
    path: PathBuf,
    inode: u64,
    size_bytes: u64,
    /// As text: JSON numbers do not hold it.
    modified_ns: String,
}

/// A bitmap as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    name: String,
    granularity_bytes: u64,
    /// Runs of set bits, in granules: start and count.
    dirty: Vec<(u64, u64)>,
}

/// The token of the content that the chain has now; `None` without a bitmap to go by.
///
/// # Errors
/// A damaged image.
pub(crate) fn token(chain: &Chain) -> Result<Option<String>, DriverError> {
    let view = View::of(chain)?;
    let mut bitmaps = Vec::new();
    for bitmap in view.bitmaps()? {
        // One that cannot be read is as good as none; the others may serve.
        if let Ok(dirty) = view.dirty(&bitmap) {
            bitmaps.push(Seen::of(&bitmap, &dirty));
        }
    }
    if bitmaps.is_empty() {
        return Ok(None);
    }
    let token = Token {
        version: VERSION,
        size_bytes: view.header.size_bytes,
        snapshots: view.snapshots()?,
        backing: backing(chain),
        bitmaps,
        layout: view.layout(),
    };
    serde_json::to_string(&token).map(Some).map_err(|source| {
        DriverError::internal("this change token has no JSON form").with_source(source)
    })
}

/// What may differ from the content that `from` names.
///
/// # Errors
/// `NotFound`, `Conflict` or `Unsupported` where no bitmap can be trusted, and why.
pub(crate) fn changed(chain: &Chain, from: &str) -> Result<ExtentList, DriverError> {
    let before: Token = serde_json::from_str(from)
        .ok()
        .filter(|token: &Token| token.version == VERSION)
        .ok_or_else(|| DriverError::unsupported("change tokens of this form"))?;
    let view = View::of(chain)?;
    let size_bytes = view.header.size_bytes;
    let conflict = |why: &str| Err(DriverError::conflict(why));
    if size_bytes < before.size_bytes {
        return conflict("the disk became smaller since the last backup");
    }
    if view.snapshots()? != before.snapshots {
        return conflict("the image's internal snapshots changed since the last backup");
    }
    if backing(chain) != before.backing {
        return conflict("a backing file changed since the last backup");
    }

    let now = view.bitmaps()?;
    let mut best: Option<ExtentList> = None;
    let mut refused = None;
    for seen in &before.bitmaps {
        let Some(bitmap) = now.iter().find(|bitmap| seen.is_named_as(bitmap)) else { continue };
        match view.dirty(bitmap).and_then(|dirty| seen.check(dirty)) {
            Ok(dirty) if best.as_ref().is_none_or(|best| dirty.bytes() < best.bytes()) => {
                best = Some(dirty);
            }
            Ok(_) => {}
            Err(error) => refused = Some(error),
        }
    }
    let not_found = || {
        DriverError::not_found(
            "no dirty bitmap of the last backup is present, enabled and consistent in the image",
        )
    };
    let mut changed = best.ok_or_else(|| refused.unwrap_or_else(not_found))?;
    if let Some(layout) = &before.layout {
        view.check_layout(layout, before.size_bytes, &changed)?;
    }
    changed.push(Extent::new(before.size_bytes, size_bytes - before.size_bytes));
    Ok(changed)
}

/// Whether the chain has a bitmap that a token could rest on.
///
/// # Errors
/// A damaged image.
pub(crate) fn tracked(chain: &Chain) -> Result<bool, DriverError> {
    Ok(!View::of(chain)?.bitmaps()?.is_empty())
}

fn backing(chain: &Chain) -> Vec<Backing> {
    let top = chain.layers.first().map_or(0, |layer| 1 + usize::from(layer.data.is_some()));
    let below = chain.parts().skip(top);
    below
        .map(|part| Backing {
            path: part.opened.path.clone(),
            inode: part.identity.inode,
            size_bytes: part.identity.size_bytes,
            modified_ns: part.identity.modified_ns.to_string(),
        })
        .collect()
}

/// The top image, looked at for what it tells of changes.
struct View<'a> {
    chain: &'a Chain,
    header: &'a Header,
}

impl<'a> View<'a> {
    fn of(chain: &'a Chain) -> Result<Self, DriverError> {
        Ok(Self { chain, header: chain.header()? })
    }

    fn top(&self) -> Result<&'a Part, DriverError> {
        Ok(&self.chain.top()?.part)
    }

    /// The bitmaps that are consistent and recording.
    fn bitmaps(&self) -> Result<Vec<Bitmap>, DriverError> {
        // An external data file can be written behind the image's back.
        if self.header.data_file.is_some() {
            return Ok(Vec::new());
        }
        let top = self.top()?;
        let mut bitmaps = qcow2::bitmap_list(&top.opened.file, self.header)
            .map_err(|error| error.at(&top.opened.path))?;
        bitmaps.retain(|bitmap| bitmap.enabled && !bitmap.in_use);
        Ok(bitmaps)
    }

    fn dirty(&self, bitmap: &Bitmap) -> Result<ExtentList, DriverError> {
        let top = self.top()?;
        qcow2::bitmap_dirty(&top.opened.file, self.header, bitmap)
            .map_err(|error| error.at(&top.opened.path))
    }

    fn layout(&self) -> Option<Layout> {
        let top = self.top().ok()?;
        let table = Table::new(&top.opened.file, self.header)?;
        let size_bytes = self.header.size_bytes;
        let least = REGION_BYTES_LEAST.max(self.header.cluster_bytes);
        let region_bytes = size_bytes.div_ceil(REGIONS_MOST).next_power_of_two().max(least);
        let digests = table.digests(&top.opened.file, region_bytes, size_bytes)?;
        Some(Layout { region_bytes, digests })
    }

    /// A write to a cluster that was not there gives it a place. Where places changed and not one
    /// bit is set, the bitmap was not recording all the time.
    fn check_layout(
        &self,
        before: &Layout,
        size_bytes: u64,
        dirty: &ExtentList,
    ) -> Result<(), DriverError> {
        let missed = || DriverError::conflict("the dirty bitmap missed writes to the image");
        let file = &self.top()?.opened.file;
        let table = Table::new(file, self.header).ok_or_else(missed)?;
        let now = table.digests(file, before.region_bytes, size_bytes).ok_or_else(missed)?;
        if now.len() != before.digests.len() {
            return Err(missed());
        }
        let moved = now.iter().zip(&before.digests).enumerate().filter(|(_, (a, b))| a != b);
        let regions: ExtentList = moved
            .map(|(index, _)| Extent::new(index as u64 * before.region_bytes, before.region_bytes))
            .collect();
        let told = dirty.aligned(before.region_bytes, u64::MAX);
        if told.contains_all(&regions) { Ok(()) } else { Err(missed()) }
    }

    fn snapshots(&self) -> Result<String, DriverError> {
        let top = self.top()?;
        qcow2::snapshot_digest(&top.opened.file, self.header)
            .map_err(|error| error.at(&top.opened.path))
    }
}

impl Seen {
    fn of(bitmap: &Bitmap, dirty: &ExtentList) -> Self {
        let granule = bitmap.granularity_bytes;
        let runs = dirty.as_slice().iter().take(RUNS_KEPT);
        let in_granules = |run: &Extent| (run.offset / granule, run.length.div_ceil(granule));
        Self {
            name: bitmap.name.clone(),
            granularity_bytes: granule,
            dirty: runs.map(in_granules).collect(),
        }
    }

    fn is_named_as(&self, bitmap: &Bitmap) -> bool {
        self.name == bitmap.name && self.granularity_bytes == bitmap.granularity_bytes
    }

    /// `dirty` if it has every bit that was seen.
    fn check(&self, dirty: ExtentList) -> Result<ExtentList, DriverError> {
        let granule = self.granularity_bytes;
        let disk_end = dirty.as_slice().last().map_or(0, Extent::end);
        let run = |&(start, count): &(u64, u64)| {
            let start = start.saturating_mul(granule);
            Extent::new(start, count.saturating_mul(granule))
        };
        let seen: ExtentList = self.dirty.iter().map(run).collect();
        // The last granule may pass the end of the disk, where the list is cut.
        let whole = dirty.aligned(granule, disk_end.next_multiple_of(granule));
        if whole.contains_all(&seen) {
            return Ok(dirty);
        }
        Err(DriverError::conflict(format!(
            "the dirty bitmap {} was cleared or made anew since the last backup",
            self.name
        )))
    }
}
