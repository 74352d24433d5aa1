use firn_driver_sdk::{ErrorKind, Extent};
use proptest::prelude::*;

use super::{Header, Qcow2Error, bitmap_dirty, bitmap_list, snapshot_digest};

const CLUSTER: usize = 65_536;
/// Disk size of the images made here: three granules, the last one cut.
const SIZE: u64 = 3 * 65_536 - 512;

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A version 3 image by the specification: a backing file, one bitmap, one snapshot.
fn image() -> Vec<u8> {
    let mut image = vec![0; 6 * CLUSTER];
    put(&mut image, 0, b"QFI\xfb");
    put(&mut image, 4, &3_u32.to_be_bytes());
    put(&mut image, 8, &0x200_u64.to_be_bytes());
    put(&mut image, 16, &9_u32.to_be_bytes());
    put(&mut image, 20, &16_u32.to_be_bytes());
    put(&mut image, 24, &SIZE.to_be_bytes());
    put(&mut image, 60, &1_u32.to_be_bytes());
    put(&mut image, 64, &(CLUSTER as u64 * 4).to_be_bytes());
    put(&mut image, 88, &1_u64.to_be_bytes());
    put(&mut image, 96, &4_u32.to_be_bytes());
    put(&mut image, 100, &104_u32.to_be_bytes());
    put(&mut image, 0x200, b"base.qcow");
    // Extensions: backing format, bitmaps, end.
    put(&mut image, 104, &0xe279_2aca_u32.to_be_bytes());
    put(&mut image, 108, &5_u32.to_be_bytes());
    put(&mut image, 112, b"qcow2");
    put(&mut image, 120, &0x2385_2875_u32.to_be_bytes());
    put(&mut image, 124, &24_u32.to_be_bytes());
    put(&mut image, 128, &1_u32.to_be_bytes());
    put(&mut image, 136, &32_u64.to_be_bytes());
    put(&mut image, 144, &(CLUSTER as u64).to_be_bytes());
    // The directory, its one entry's table, and the bits: granules 0 and 2.
    put(&mut image, CLUSTER, &(CLUSTER as u64 * 2).to_be_bytes());
    put(&mut image, CLUSTER + 8, &1_u32.to_be_bytes());
    put(&mut image, CLUSTER + 12, &2_u32.to_be_bytes());
    put(&mut image, CLUSTER + 16, &[1, 16, 0, 2]);
    put(&mut image, CLUSTER + 24, b"b0");
    put(&mut image, CLUSTER * 2, &(CLUSTER as u64 * 3).to_be_bytes());
    put(&mut image, CLUSTER * 3, &[0b101]);
    // A snapshot without extra data.
    put(&mut image, CLUSTER * 4 + 12, &1_u16.to_be_bytes());
    put(&mut image, CLUSTER * 4 + 14, &4_u16.to_be_bytes());
    put(&mut image, CLUSTER * 4 + 40, b"1name");
    image
}

#[test]
fn reads_what_the_specification_says() {
    let image = image();
    let header = Header::read(&image[..]).unwrap();
    assert_eq!((header.version, header.size_bytes, header.cluster_bytes), (3, SIZE, 65_536));
    assert_eq!(header.backing_name.as_deref(), Some(&b"base.qcow"[..]));
    assert_eq!(header.backing_format.as_deref(), Some(&b"qcow2"[..]));
    assert_eq!(header.data_file, None);
    let bitmaps = bitmap_list(&image[..], &header).unwrap();
    let [bitmap] = &bitmaps[..] else { panic!("{bitmaps:?}") };
    assert_eq!((bitmap.name.as_str(), bitmap.granularity_bytes), ("b0", 65_536));
    assert!(bitmap.enabled && !bitmap.in_use);
    let dirty = bitmap_dirty(&image[..], &header, bitmap).unwrap();
    let expected = [Extent::new(0, 65_536), Extent::new(131_072, 65_536 - 512)];
    assert_eq!(dirty.as_slice(), expected);

    let digest = snapshot_digest(&image[..], &header).unwrap();
    let mut renamed = image.clone();
    put(&mut renamed, CLUSTER * 4 + 41, b"x");
    assert_ne!(snapshot_digest(&renamed[..], &header).unwrap(), digest);
}

#[test]
fn without_the_autoclear_bit_bitmaps_are_stale() {
    let mut image = image();
    put(&mut image, 88, &0_u64.to_be_bytes());
    let header = Header::read(&image[..]).unwrap();
    assert_eq!(bitmap_list(&image[..], &header).unwrap(), []);
}

#[test]
fn bitmap_flags_and_unknown_ones() {
    let header = Header::read(&image()[..]).unwrap();
    let listed = |flags: u32| {
        let mut image = image();
        put(&mut image, CLUSTER + 12, &flags.to_be_bytes());
        bitmap_list(&image[..], &header).unwrap().pop().map(|b| (b.in_use, b.enabled))
    };
    assert_eq!(listed(3), Some((true, true)));
    assert_eq!(listed(0), Some((false, false)));
    assert_eq!(listed(2 | 8), None);
}

#[test]
fn whole_clusters_of_ones_need_no_bits() {
    let mut image = image();
    put(&mut image, CLUSTER * 2, &1_u64.to_be_bytes());
    let header = Header::read(&image[..]).unwrap();
    let bitmaps = bitmap_list(&image[..], &header).unwrap();
    let dirty = bitmap_dirty(&image[..], &header, &bitmaps[0]).unwrap();
    assert_eq!(dirty.as_slice(), [Extent::new(0, SIZE)]);
}

#[test]
fn refusals() {
    let kind = |at: usize, bytes: &[u8]| {
        let mut image = image();
        put(&mut image, at, bytes);
        Header::read(&image[..]).unwrap_err().kind()
    };
    assert_eq!(kind(0, b"QED\0"), ErrorKind::InvalidInput);
    assert_eq!(kind(4, &4_u32.to_be_bytes()), ErrorKind::Unsupported);
    assert_eq!(kind(16, &1024_u32.to_be_bytes()), ErrorKind::Integrity);
    assert_eq!(kind(20, &60_u32.to_be_bytes()), ErrorKind::Integrity);
    assert_eq!(kind(24, &u64::MAX.to_be_bytes()), ErrorKind::Integrity);
    assert_eq!(kind(32, &2_u32.to_be_bytes()), ErrorKind::Unsupported);
    assert_eq!(kind(72, &64_u64.to_be_bytes()), ErrorKind::Unsupported);
    assert_eq!(kind(100, &96_u32.to_be_bytes()), ErrorKind::Integrity);
    assert_eq!(kind(108, &u32::MAX.to_be_bytes()), ErrorKind::Integrity);
    assert_eq!(Header::read(&b"QFI\xfb"[..]).unwrap_err().kind(), ErrorKind::Integrity);
}

/// Everything that is read of an image, as far as it goes.
fn read_all(image: &[u8]) -> Result<(), Qcow2Error> {
    let header = Header::read(image)?;
    let snapshots = snapshot_digest(image, &header);
    for bitmap in bitmap_list(image, &header)? {
        let dirty = bitmap_dirty(image, &header, &bitmap)?;
        let end = dirty.as_slice().last().map_or(0, Extent::end);
        assert!(end <= header.size_bytes);
    }
    snapshots.map(|_| ())
}

/// Offsets of what the parsers look at.
fn interesting() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..160_usize,
        CLUSTER..CLUSTER + 32,
        CLUSTER * 2..CLUSTER * 2 + 8,
        CLUSTER * 4..CLUSTER * 4 + 48
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_damage_panics_or_reads_beyond(
        changes in prop::collection::vec((interesting(), any::<u8>()), 1..12),
        cut in prop::option::of(0..6 * CLUSTER),
    ) {
        let mut image = image();
        for (at, byte) in changes {
            image[at] = byte;
        }
        if let Some(cut) = cut {
            image.truncate(cut);
        }
        // Either answer is right; a panic, a hang or a huge allocation is not.
        let _ = read_all(&image);
    }

    #[test]
    fn no_bytes_at_all_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut image = bytes;
        let _ = read_all(&image);
        image.splice(0..image.len().min(4), *b"QFI\xfb");
        if image.len() > 24 {
            put(&mut image, 4, &[0, 0, 0, 3]);
            put(&mut image, 20, &[0, 0, 0, 9]);
        }
        let _ = read_all(&image);
    }

    #[test]
    fn every_bit_pattern_is_read_as_written(bits in prop::collection::vec(any::<u8>(), 40)) {
        let mut image = image();
        let size = 313 * 65_536_u64;
        put(&mut image, 24, &size.to_be_bytes());
        put(&mut image, CLUSTER * 3, &bits);
        let header = Header::read(&image[..]).unwrap();
        let bitmaps = bitmap_list(&image[..], &header).unwrap();
        let dirty = bitmap_dirty(&image[..], &header, &bitmaps[0]).unwrap();
        for granule in 0..313_u64 {
            let set = bits[granule as usize / 8] >> (granule % 8) & 1 == 1;
            let found = dirty.as_slice().iter().any(|run| {
                run.offset <= granule * 65_536 && granule * 65_536 < run.end()
            });
            prop_assert_eq!(found, set, "granule {}", granule);
        }
    }
}
