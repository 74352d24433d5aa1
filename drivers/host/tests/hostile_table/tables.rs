//! What is wrong before the first call.

use std::mem::{offset_of, size_of};
use std::ptr;

use firn_driver_abi as abi;
use firn_driver_host::LoadError;
use firn_driver_sdk::{Capabilities, Driver, ErrorKind, Extent};

use crate::driver::*;

#[test]
fn the_good_table_loads() {
    let driver = good();
    assert_eq!(driver.probe(&somewhere()).unwrap(), None);
    assert_eq!(opened(&driver).size_bytes(), 4096);
    // It claims everything and has functions for nothing of it.
    assert_eq!(driver.capabilities(), Capabilities::default());
}

#[test]
fn an_entry_that_fails_is_a_refusal() {
    will(&ENTRY, |_| abi::FIRN_UNSUPPORTED);
    let error = load(|_| {}).unwrap_err();
    assert!(matches!(error, LoadError::Refused { .. }));
    let chain = error.chain();
    assert!(chain.ends_with("the driver failed with status 6 and no reason"), "{chain}");
}

#[test]
fn tables_of_impossible_size_are_refused() {
    let required = offset_of!(abi::DriverVtable, capabilities);
    for size in [0, 1, 8, 16, required - 1, 1 << 17, usize::MAX] {
        let error = load(|table| table.struct_size = size).unwrap_err();
        assert!(matches!(error, LoadError::BadTable { table: "driver", .. }), "{size}: {error}");
        assert!(error.to_string().contains(&size.to_string()), "{error}");
        let error = load_disk(|disk| disk.struct_size = size).err();
        // The disk's table is shorter: what is too short for a driver may do for it.
        if size < offset_of!(abi::DiskVtable, extents_allocated) || size > 1 << 16 {
            let error = error.unwrap();
            assert!(matches!(error, LoadError::BadTable { table: "disk", .. }), "{error}");
        }
    }
    let error = load_at(ptr::null()).unwrap_err();
    assert!(error.to_string().contains("null pointer"), "{error}");
    let table = TABLE_OK;
    let error = load_at((&raw const table).wrapping_byte_add(3)).unwrap_err();
    assert!(error.to_string().contains("misaligned"), "{error}");
    let error = load(|table| table.disk = ptr::null()).unwrap_err();
    assert!(matches!(error, LoadError::BadTable { table: "disk", .. }), "{error}");
}

#[test]
fn an_older_table_lacks_only_what_came_later() {
    let driver = load(|table| {
        table.struct_size = offset_of!(abi::DriverVtable, capabilities);
        // Beyond its end lies what the maker did not know of.
        table.capabilities = None;
    })
    .unwrap();
    assert_eq!(driver.capabilities(), Capabilities::default());
    let shorter = offset_of!(abi::DiskVtable, extents_allocated);
    let driver = load_disk(|disk| disk.struct_size = shorter).unwrap();
    let extents = opened(&driver).extents_allocated(Extent::new(512, 9999)).unwrap();
    assert_eq!(extents.as_slice(), [Extent::new(512, 3584)], "everything may hold data");
}

#[test]
fn a_newer_table_is_read_as_far_as_known() {
    #[repr(C)]
    struct Newer {
        table: abi::DriverVtable,
        more: [usize; 4],
    }
    let mut newer = Newer { table: TABLE_OK, more: [1; 4] };
    newer.table.struct_size = size_of::<Newer>();
    assert!(load_at((&raw const newer).cast()).is_ok());
    assert_eq!(newer.more, [1; 4]);
}

#[test]
fn another_abi_is_named() {
    let error = load(|table| table.abi_version = 7).unwrap_err();
    assert!(matches!(error, LoadError::AbiVersion { driver: 7, host: 1, .. }), "{error}");
}

#[test]
fn every_missing_function_is_named() {
    type Hole = (&'static str, fn(&mut abi::DriverVtable));
    let holes: [Hole; 4] = [
        ("create", |table| table.create = None),
        ("destroy", |table| table.destroy = None),
        ("probe", |table| table.probe = None),
        ("open", |table| table.open = None),
    ];
    for (name, hole) in holes {
        match load(hole).unwrap_err() {
            LoadError::MissingSlot { table: "driver", slot, .. } => assert_eq!(slot, name),
            other => panic!("{name}: {other}"),
        }
    }
    type DiskHole = (&'static str, fn(&mut abi::DiskVtable));
    let holes: [DiskHole; 5] = [
        ("size_bytes", |disk| disk.size_bytes = None),
        ("read", |disk| disk.read = None),
        ("cancel", |disk| disk.cancel = None),
        ("close", |disk| disk.close = None),
        ("release", |disk| disk.release = None),
    ];
    for (name, hole) in holes {
        match load_disk(hole).unwrap_err() {
            LoadError::MissingSlot { table: "disk", slot, .. } => assert_eq!(slot, name),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn an_extension_is_checked_too() {
    let mut table = SNAPSHOTS;
    table.remove = None;
    EXTENSION.set((&raw const table).cast());
    let error = load(|_| {}).unwrap_err();
    assert!(
        matches!(error, LoadError::MissingSlot { table: "snapshots", slot: "remove", .. }),
        "{error}"
    );
    let mut table = SNAPSHOTS;
    table.struct_size = 24;
    EXTENSION.set((&raw const table).cast());
    let error = load(|_| {}).unwrap_err();
    assert!(matches!(error, LoadError::BadTable { table: "snapshots", .. }), "{error}");
    EXTENSION.set((&raw const table).wrapping_byte_add(1).cast());
    assert!(load(|_| {}).unwrap_err().to_string().contains("misaligned"));
}

#[test]
fn bad_descriptors_are_refused() {
    let says = |change: fn(&mut abi::Descriptor), words: &str| {
        let error = load_descriptor(change);
        assert!(error.contains(words), "{error}");
    };
    says(|descriptor| descriptor.name = abi::Str::new("other"), "holds the driver other");
    says(|descriptor| descriptor.name = abi::Str::NONE, "no name");
    says(|descriptor| descriptor.vendor = abi::Str::new(""), "no vendor");
    says(|descriptor| descriptor.version.length = usize::MAX, "impossible length");
    says(|descriptor| descriptor.name.data = ptr::null(), "null pointer");
    says(|descriptor| descriptor.name = abi::Str { data: c"\xff".as_ptr(), length: 1 }, "UTF-8");
    says(|descriptor| descriptor.struct_size = 8, "struct_size is 8");
    let error = load(|table| table.descriptor = ptr::null()).unwrap_err().to_string();
    assert!(error.contains("null pointer"), "{error}");
}

#[test]
fn a_driver_that_is_not_there_is_refused() {
    will(&CREATE, |driver| {
        *driver = ptr::null_mut();
        abi::FIRN_OK
    });
    assert!(load(|_| {}).unwrap_err().chain().contains("null driver"));
    for status in [77, -1, i32::MIN] {
        will(&CREATE, move |_| status);
        let error = load(|_| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.chain().contains(&format!("status {status}")), "{}", error.chain());
    }
}
