use firn_driver_sdk::{Extent, ExtentList};

use super::bytes::{Fields, ReadAt, read};
use super::error::Qcow2Error;
use super::header::Header;

const DIRECTORY_LIMIT: u64 = 4 << 20;
/// QEMU's own limit is twice as high.
const BITS_LIMIT_BYTES: u64 = 256 << 20;
/// More runs than this are not worth their memory: such a bitmap is not used.
const RUN_LIMIT: usize = 4 << 20;
const GRANULARITY_BITS: std::ops::RangeInclusive<u8> = 9..=31;
const TYPE_DIRTY_TRACKING: u8 = 1;
const FLAG_IN_USE: u32 = 1;
const FLAG_AUTO: u32 = 2;
const FLAGS_KNOWN: u32 = 0b111;
const ENTRY_OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const ENTRY_ALL_ONES: u64 = 1;

/// A persistent dirty bitmap, without its bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bitmap {
    /// Its name; unique in an image.
    pub(crate) name: String,
    /// How many bytes of the disk one bit stands for.
    pub(crate) granularity_bytes: u64,
    /// Its bits are of no use: it was open for writing when QEMU last died, or still is.
    pub(crate) in_use: bool,
    /// QEMU records into it whenever the image is open for writing.
    pub(crate) enabled: bool,
    table: (u64, u32),
}

/// The image's bitmaps as far as they can be used: of the dirty-tracking type, with no flags that
/// we do not know.
///
/// # Errors
/// A directory beyond our limits or the file's end.
pub(crate) fn bitmap_list(
    source: &(impl ReadAt + ?Sized),
    header: &Header,
) -> Result<Vec<Bitmap>, Qcow2Error> {
    const WHAT: &str = "bitmap directory";
    let Some(directory) = header.bitmaps else { return Ok(Vec::new()) };
    if directory.bytes > DIRECTORY_LIMIT {
        return Err(Qcow2Error::Damaged { what: WHAT });
    }
    let bytes = read(source, WHAT, directory.offset, directory.bytes as usize)?;
    let mut fields = Fields::new(&bytes, WHAT);
    let mut bitmaps = Vec::new();
    for _ in 0..directory.count {
        if fields.is_empty() {
            return Err(fields.damaged());
        }
        let table = (fields.u64()?, fields.u32()?);
        let flags = fields.u32()?;
        let (kind, granularity_bits) = (fields.u8()?, fields.u8()?);
        let name_length = usize::from(fields.u16()?);
        let extra_length = fields.u32()? as usize;
        fields.take(extra_length)?;
        let name = fields.take(name_length)?;
        fields.pad(24 + extra_length + name_length);
        let Ok(name) = std::str::from_utf8(name) else { continue };
        if kind != TYPE_DIRTY_TRACKING
            || flags & !FLAGS_KNOWN != 0
            || extra_length != 0
            || !GRANULARITY_BITS.contains(&granularity_bits)
        {
            continue;
        }
        bitmaps.push(Bitmap {
            name: name.to_owned(),
            granularity_bytes: 1 << granularity_bits,
            in_use: flags & FLAG_IN_USE != 0,
            enabled: flags & FLAG_AUTO != 0,
            table,
        });
    }
    Ok(bitmaps)
}

/// The parts of the disk whose bits are set, in whole granules cut at the disk's end.
///
/// # Errors
/// Bits that do not fit the disk's size, lie outside the file, or are too many runs.
pub(crate) fn bitmap_dirty(
    source: &(impl ReadAt + ?Sized),
    header: &Header,
    bitmap: &Bitmap,
) -> Result<ExtentList, Qcow2Error> {
    const WHAT: &str = "bitmap";
    let damaged = || Qcow2Error::Damaged { what: WHAT };
    let granules = header.size_bytes.div_ceil(bitmap.granularity_bytes);
    let granules_a_cluster = header.cluster_bytes * 8;
    let clusters = granules.div_ceil(granules_a_cluster);
    let (table_offset, table_entries) = bitmap.table;
    if clusters != u64::from(table_entries) {
        return Err(damaged());
    }
    if granules.div_ceil(8) > BITS_LIMIT_BYTES {
        let feature = format!("bitmap {} of such a fine granularity", bitmap.name);
        return Err(Qcow2Error::Unsupported { feature });
    }
    let table = read(source, WHAT, table_offset, table_entries as usize * 8)?;
    let mut fields = Fields::new(&table, WHAT);
    let mut runs = Runs { dirty: ExtentList::new(), bitmap, size_bytes: header.size_bytes };
    let mut cluster = vec![0; header.cluster_bytes as usize];
    for index in 0..clusters {
        let first = index * granules_a_cluster;
        let here = granules_a_cluster.min(granules - first);
        let entry = fields.u64()?;
        let offset = entry & ENTRY_OFFSET;
        match (offset, entry & !ENTRY_OFFSET) {
            (0, 0) => {}
            (0, ENTRY_ALL_ONES) => runs.push(first, here),
            (0, _) => return Err(damaged()),
            (_, 0) => {
                let used = &mut cluster[..here.div_ceil(8) as usize];
                source
                    .read_at(offset, used)
                    .map_err(|source| Qcow2Error::Read { what: WHAT, source })?;
                runs.push_bits(first, here, used);
            }
            _ => return Err(damaged()),
        }
        if runs.dirty.as_slice().len() > RUN_LIMIT {
            let feature = format!("bitmap {} with millions of separate runs", bitmap.name);
            return Err(Qcow2Error::Unsupported { feature });
        }
    }
    Ok(runs.dirty)
}

struct Runs<'a> {
    dirty: ExtentList,
    bitmap: &'a Bitmap,
    size_bytes: u64,
}

impl Runs<'_> {
    fn push(&mut self, first: u64, count: u64) {
        let granule = self.bitmap.granularity_bytes;
        let start = (first * granule).min(self.size_bytes);
        let end = ((first + count).saturating_mul(granule)).min(self.size_bytes);
        self.dirty.push(Extent::new(start, end - start));
    }

    /// Bit 0 of a byte stands for the lowest granule.
    fn push_bits(&mut self, first: u64, count: u64, bits: &[u8]) {
        for (index, byte) in bits.iter().enumerate() {
            let at = index as u64 * 8;
            let here = 8.min(count - at);
            match byte {
                0 => {}
                0xff => self.push(first + at, here),
                byte => (0..here)
                    .filter(|bit| byte >> bit & 1 == 1)
                    .for_each(|bit| self.push(first + at + bit, 1)),
            }
        }
    }
}
