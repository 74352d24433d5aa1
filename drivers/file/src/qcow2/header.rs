use super::bytes::{Fields, ReadAt, read};
use super::error::Qcow2Error;

const MAGIC: [u8; 4] = *b"QFI\xfb";
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// Length of a version 2 header, and of what version 3 must have.
const LENGTH_V2: usize = 72;
const LENGTH_V3: usize = 104;
/// QEMU's own limit for the name of a backing file.
const NAME_LIMIT: u32 = 1023;

const EXTENSION_END: u32 = 0;
const EXTENSION_BACKING_FORMAT: u32 = 0xe279_2aca;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;
const EXTENSION_BITMAPS: u32 = 0x2385_2875;

const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
/// Dirty, corrupt, data file, compression type, extended L2: what QEMU 7.2 to 10 knows.
const INCOMPATIBLE_KNOWN: u64 = 0b1_1111;
/// Dirty (of refcounts alone) and compression type: mean nothing for where plain clusters lie.
const INCOMPATIBLE_PLAIN: u64 = 0b0_1001;
const AUTOCLEAR_BITMAPS: u64 = 1;

/// What a qcow2 header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// 2 or 3.
    pub(crate) version: u32,
    /// Size of the disk, not of the file.
    pub(crate) size_bytes: u64,
    /// Size of a cluster.
    pub(crate) cluster_bytes: u64,
    /// The backing file's name as written, without meaning or trust.
    pub(crate) backing_name: Option<Vec<u8>>,
    /// The backing file's format as written.
    pub(crate) backing_format: Option<Vec<u8>>,
    /// Name of an external data file, where the image has one; empty where the name is missing.
    pub(crate) data_file: Option<Vec<u8>>,
    /// Where the first-level table lies and how many entries it has, where its clusters are of
    /// the plain kind that [`super::Table`] reads.
    pub(super) plain_l1: Option<(u64, u32)>,
    /// Number of internal snapshots and where their table lies.
    pub(super) snapshots: (u32, u64),
    /// Where the bitmap directory lies, where the image has valid bitmaps.
    pub(super) bitmaps: Option<BitmapDirectory>,
}

/// The bitmaps extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BitmapDirectory {
    pub(super) count: u32,
    pub(super) bytes: u64,
    pub(super) offset: u64,
}

impl Header {
    /// Reads and checks the header at the start of `source`.
    ///
    /// # Errors
    /// Anything but a plain, unencrypted qcow2 of version 2 or 3.
    pub(crate) fn read(source: &(impl ReadAt + ?Sized)) -> Result<Self, Qcow2Error> {
        let damaged = |what| Qcow2Error::Damaged { what };
        let fixed = read(source, "header", 0, LENGTH_V2)?;
        let mut fields = Fields::new(&fixed, "header");
        if fields.take(4)? != MAGIC {
            return Err(Qcow2Error::Magic);
        }
        let version = fields.u32()?;
        if !(2..=3).contains(&version) {
            return Err(Qcow2Error::Unsupported { feature: format!("version {version}") });
        }
        let backing_offset = fields.u64()?;
        let backing_length = fields.u32()?;
        let cluster_bits = fields.u32()?;
        let size_bytes = fields.u64()?;
        let encryption = fields.u32()?;
        let l1_entries = fields.u32()?;
        let l1_offset = fields.u64()?;
        let _refcount_offset = fields.u64()?;
        let _refcount_clusters = fields.u32()?;
        let snapshots = (fields.u32()?, fields.u64()?);

        if !CLUSTER_BITS.contains(&cluster_bits) {
            return Err(damaged("cluster size"));
        }
        let cluster_bytes = 1_u64 << cluster_bits;
        if i64::try_from(size_bytes).is_err() {
            return Err(damaged("disk size"));
        }
        if encryption != 0 {
            let feature = "encryption (the hypervisor's keys are not ours)".into();
            return Err(Qcow2Error::Unsupported { feature });
        }

        let (mut incompatible, mut autoclear, mut header_length) = (0, 0, LENGTH_V2 as u64);
        if version == 3 {
            let more = read(source, "header", LENGTH_V2 as u64, LENGTH_V3 - LENGTH_V2)?;
            let mut fields = Fields::new(&more, "header");
            incompatible = fields.u64()?;
            let _compatible = fields.u64()?;
            autoclear = fields.u64()?;
            let _refcount_order = fields.u32()?;
            header_length = u64::from(fields.u32()?);
            if header_length < LENGTH_V3 as u64 || header_length > cluster_bytes {
                return Err(damaged("header length"));
            }
        }
        if incompatible & !INCOMPATIBLE_KNOWN != 0 {
            let feature = format!("feature set {incompatible:#x}");
            return Err(Qcow2Error::Unsupported { feature });
        }

        // As in QEMU: extensions end where the backing file's name begins, else with the cluster.
        let mut extensions_end = cluster_bytes;
        let mut backing_name = None;
        if backing_offset != 0 {
            if backing_offset > cluster_bytes || backing_length > NAME_LIMIT {
                return Err(damaged("backing file name"));
            }
            extensions_end = backing_offset;
            if backing_length > 0 {
                let name =
                    read(source, "backing file name", backing_offset, backing_length as usize)?;
                backing_name = Some(name);
            }
        }

        let mut header = Self {
            version,
            size_bytes,
            cluster_bytes,
            backing_name,
            backing_format: None,
            data_file: None,
            plain_l1: (incompatible & !INCOMPATIBLE_PLAIN == 0).then_some((l1_offset, l1_entries)),
            snapshots,
            bitmaps: None,
        };
        header.read_extensions(source, header_length, extensions_end)?;
        if incompatible & INCOMPATIBLE_DATA_FILE == 0 {
            header.data_file = None;
        } else if header.data_file.is_none() {
            header.data_file = Some(Vec::new());
        }
        if autoclear & AUTOCLEAR_BITMAPS == 0 {
            header.bitmaps = None;
        }
        Ok(header)
    }

    fn read_extensions(
        &mut self,
        source: &(impl ReadAt + ?Sized),
        start: u64,
        end: u64,
    ) -> Result<(), Qcow2Error> {
        let mut at = start;
        // Each turn moves on by eight bytes at least, within one cluster of at most 2 MiB.
        while at + 8 <= end {
            let head = match read(source, "header extensions", at, 8) {
                // A tiny image may end before its first cluster does.
                Err(Qcow2Error::Read { source, .. })
                    if source.kind() == std::io::ErrorKind::UnexpectedEof =>
                {
                    return Ok(());
                }
                head => head?,
            };
            let mut fields = Fields::new(&head, "header extensions");
            let (kind, length) = (fields.u32()?, fields.u32()?);
            at += 8;
            if kind == EXTENSION_END {
                return Ok(());
            }
            if u64::from(length) > end - at {
                return Err(fields.damaged());
            }
            match kind {
                EXTENSION_BACKING_FORMAT if length <= 16 => {
                    self.backing_format =
                        Some(read(source, "backing format", at, length as usize)?);
                }
                EXTENSION_BACKING_FORMAT => {
                    return Err(Qcow2Error::Damaged { what: "backing format" });
                }
                EXTENSION_DATA_FILE if length <= 4096 => {
                    self.data_file = Some(read(source, "data file name", at, length as usize)?);
                }
                EXTENSION_DATA_FILE => {
                    return Err(Qcow2Error::Damaged { what: "data file name" });
                }
                EXTENSION_BITMAPS => {
                    let body = read(source, "bitmaps extension", at, (length as usize).min(24))?;
                    let mut fields = Fields::new(&body, "bitmaps extension");
                    let count = fields.u32()?;
                    let _reserved = fields.u32()?;
                    let (bytes, offset) = (fields.u64()?, fields.u64()?);
                    self.bitmaps = Some(BitmapDirectory { count, bytes, offset });
                }
                _ => {}
            }
            at += u64::from(length).next_multiple_of(8);
        }
        Ok(())
    }
}
