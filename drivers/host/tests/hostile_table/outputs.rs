//! What is wrong in an answer.

use std::cell::Cell;
use std::error::Error;
use std::ffi::c_void;
use std::ptr;

use firn_driver_abi as abi;
use firn_driver_sdk::{Access, Driver, ErrorKind, Extent, Location, OpenRequest};
use serde_json::json;

use crate::driver::*;

thread_local! {
    static RELEASED: Cell<usize> = const { Cell::new(0) };
}

unsafe extern "C" fn count(_owner: *mut c_void) {
    RELEASED.set(RELEASED.get() + 1);
}

fn text(data: &'static [u8]) -> abi::Text {
    abi::Text {
        data: data.as_ptr().cast(),
        length: data.len(),
        release: Some(count),
        owner: ptr::null_mut(),
    }
}

#[test]
fn bad_probes_are_errors_and_released() {
    let driver = good();
    type Case = (&'static str, fn(&mut abi::Probe));
    let cases: [Case; 6] = [
        ("no location", |probe| {
            probe.location = abi::Text { data: ptr::null(), length: 0, ..text(b"") }
        }),
        ("not JSON", |probe| probe.location = text(b"{")),
        ("UTF-8", |probe| probe.location = text(b"\"\xff\"")),
        ("UTF-8", |probe| probe.storage = text(b"\xc0\x80")),
        ("impossible length", |probe| probe.storage.length = usize::MAX),
        ("null pointer", |probe| probe.storage.data = ptr::null()),
    ];
    for (words, change) in cases {
        will(&PROBE, move |probe| {
            probe.flags = abi::FIRN_PROBE_MINE;
            (probe.storage, probe.location) = (text(b"s"), text(b"1"));
            change(probe);
            abi::FIRN_OK
        });
        let before = RELEASED.get();
        let error = driver.probe(&somewhere()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains(words), "{words}: {error}");
        assert_eq!(RELEASED.get() - before, 2, "{words}");
    }
    // Not its own after all: the texts are released unseen.
    will(&PROBE, |probe| {
        probe.location = text(b"\xff");
        abi::FIRN_OK
    });
    let before = RELEASED.get();
    assert_eq!(driver.probe(&somewhere()).unwrap(), None);
    assert_eq!(RELEASED.get() - before, 1);
    // Nothing to release is no fault.
    will(&PROBE, |probe| {
        probe.flags = u64::MAX;
        probe.storage = abi::Text::from_static("s");
        probe.location = abi::Text::from_static("[1]");
        abi::FIRN_OK
    });
    let probe = driver.probe(&somewhere()).unwrap().unwrap();
    assert_eq!((probe.location, probe.in_use), (Location(json!([1])), true));
}

#[test]
fn a_disk_that_is_not_there_is_an_error() {
    let driver = good();
    will(&OPEN, |disk| {
        *disk = ptr::null_mut();
        abi::FIRN_OK
    });
    let error = driver.open(&request()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Internal);
    // Without functions for it, nothing is opened to be written.
    let writable = OpenRequest { access: Access::Writable, ..request() };
    assert_eq!(driver.open(&writable).err().unwrap().kind(), ErrorKind::Unsupported);
}

#[test]
fn extents_are_cut_sorted_and_merged() {
    let driver = good();
    let disk = opened(&driver);
    let says = |items: &[(u64, u64)]| {
        let extent =
            |(offset, length): &(u64, u64)| abi::Extent { offset: *offset, length: *length };
        let items: Vec<_> = items.iter().map(extent).collect();
        will(&EXTENTS, move |out| {
            *out = items.clone().into();
            abi::FIRN_OK
        });
        disk.extents_allocated(Extent::new(0, u64::MAX)).unwrap().as_slice().to_vec()
    };
    assert_eq!(says(&[]), []);
    assert_eq!(
        says(&[(4000, 9999), (0, 10), (5, 10)]),
        [Extent::new(0, 15), Extent::new(4000, 96)]
    );
    assert_eq!(says(&[(u64::MAX, u64::MAX), (4096, 1), (7, 0)]), []);
    assert_eq!(says(&[(1, u64::MAX)]), [Extent::new(1, 4095)]);
}

#[test]
fn impossible_lists_are_errors() {
    let driver = good();
    let disk = opened(&driver);
    static ITEMS: [abi::Extent; 2] = [abi::Extent { offset: 0, length: 1 }; 2];
    let items = &ITEMS;
    let misaligned = items.as_ptr().wrapping_byte_add(1);
    for (items, count) in
        [(items.as_ptr(), usize::MAX), (items.as_ptr(), 1 << 40), (ptr::null(), 1), (misaligned, 1)]
    {
        will(&EXTENTS, move |out| {
            (out.items, out.count) = (items, count);
            abi::FIRN_OK
        });
        let error = disk.extents_allocated(Extent::new(0, 4096)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains("as extents"), "{error}");
    }
}

#[test]
fn errors_without_good_words_are_errors_still() {
    let driver = good();
    let disk = opened(&driver);
    let fails = |status, message: fn() -> abi::Text, cause: fn() -> abi::Text| {
        will(&READ, move |report| {
            (report.message, report.cause) = (message(), cause());
            status
        });
        disk.read(&mut []).unwrap_err()
    };
    let none = abi::Text::none;
    let error = fails(abi::FIRN_INTEGRITY, none, none);
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(error.message().contains("no reason"), "{error}");
    assert!(fails(abi::FIRN_CANCELLED, none, none).is_cancelled());
    let error = fails(abi::FIRN_CONFLICT, || text(b"\xff\xff"), || text(b"\xff"));
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("not UTF-8"), "{error}");
    let huge = || abi::Text { length: usize::MAX, ..text(b"x") };
    assert!(fails(abi::FIRN_CONFLICT, huge, huge).message().contains("impossible length"));
    let error = fails(12345, || text(b"odd"), || text(b"why"));
    assert_eq!((error.kind(), error.message()), (ErrorKind::Internal, "odd"));
    assert_eq!(error.source().unwrap().to_string(), "why");
}

#[test]
fn a_list_of_names_is_a_list_of_names() {
    EXTENSION.set(ptr::from_ref(&SNAPSHOTS).cast());
    let driver = good();
    assert!(driver.capabilities().snapshots);
    for json in [&b"{}"[..], b"[1]", b"[\"a\"", b"", b"null"] {
        will(&NAMES, move |out| {
            *out = text(json);
            abi::FIRN_OK
        });
        let error = driver.snapshot_list(&Location(json!(1))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
    will(&NAMES, |_| abi::FIRN_OK);
    let error = driver.snapshot_list(&Location(json!(1))).unwrap_err();
    assert!(error.message().contains("gave no snapshot list"), "{error}");
}
