//! Drivers that do not keep to the ABI, made in this process, so that Miri can watch.
#![allow(unsafe_code)] // Plays the driver's side of the ABI.
#![allow(clippy::unwrap_used)] // Helpers of tests.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::ffi::c_void;
use std::mem::{offset_of, size_of};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use firn_driver_abi as abi;
use firn_driver_host::{LoadError, LoadedDriver};
use firn_driver_sdk::{
    Access, Capabilities, Config, Disk, DiskLocation, Driver, ErrorKind, Extent, Location,
    OpenRequest,
};
use serde_json::json;

type Answer<T> = RefCell<Option<Box<dyn Fn(&mut T) -> abi::Status>>>;

thread_local! {
    static TABLE: Cell<*const abi::DriverVtable> = const { Cell::new(ptr::null()) };
    static ENTRY: Answer<abi::ErrorReport> = const { RefCell::new(None) };
    static CREATE: Answer<*mut abi::DriverHandle> = const { RefCell::new(None) };
    static PROBE: Answer<abi::Probe> = const { RefCell::new(None) };
    static OPEN: Answer<*mut abi::DiskHandle> = const { RefCell::new(None) };
    static READ: Answer<abi::ErrorReport> = const { RefCell::new(None) };
    static EXTENTS: Answer<abi::Extents> = const { RefCell::new(None) };
    static NAMES: Answer<abi::Text> = const { RefCell::new(None) };
    static EXTENSION: Cell<*const c_void> = const { Cell::new(ptr::null()) };
}

/// Lets the test answer, where it wants to.
fn ask<T>(answer: &'static std::thread::LocalKey<Answer<T>>, out: &mut T) -> abi::Status {
    answer.with_borrow(|answer| answer.as_ref().map_or(abi::FIRN_OK, |answer| answer(out)))
}

fn will<T>(
    answer: &'static std::thread::LocalKey<Answer<T>>,
    with: impl Fn(&mut T) -> abi::Status + 'static,
) {
    answer.set(Some(Box::new(with)));
}

unsafe extern "C" fn entry(
    _version: u32,
    _host: *const abi::Host,
    out_vtable: *mut *const abi::DriverVtable,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: the host's out pointers are good; so below.
    unsafe {
        *out_vtable = TABLE.get();
        ask(&ENTRY, &mut *out_error)
    }
}

/// A handle that the host does not look into.
fn handle<T>() -> *mut T {
    static SOMETHING: u64 = 0;
    (&raw const SOMETHING).cast_mut().cast()
}

unsafe extern "C" fn create(
    _host: *const abi::Host,
    _config: abi::Str,
    out_driver: *mut *mut abi::DriverHandle,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: see `entry`.
    unsafe {
        *out_driver = handle();
        ask(&CREATE, &mut *out_driver)
    }
}

unsafe extern "C" fn destroy(_driver: *mut abi::DriverHandle) {}

unsafe extern "C" fn probe(
    _driver: *mut abi::DriverHandle,
    _location: abi::Str,
    out_probe: *mut abi::Probe,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: see `entry`.
    ask(&PROBE, unsafe { &mut *out_probe })
}

unsafe extern "C" fn open(
    _driver: *mut abi::DriverHandle,
    _request: *const abi::OpenRequest,
    out_disk: *mut *mut abi::DiskHandle,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: see `entry`.
    unsafe {
        *out_disk = handle();
        ask(&OPEN, &mut *out_disk)
    }
}

unsafe extern "C" fn capabilities(_driver: *mut abi::DriverHandle) -> u64 {
    u64::MAX
}

unsafe extern "C" fn get_extension(id: abi::Str) -> *const c_void {
    // SAFETY: the host's strings are good.
    match unsafe { id.read() } {
        Ok(Some(abi::FIRN_EXTENSION_SNAPSHOTS)) => EXTENSION.get(),
        _ => ptr::null(),
    }
}

unsafe extern "C" fn size_bytes(_disk: *mut abi::DiskHandle) -> u64 {
    4096
}

unsafe extern "C" fn read(
    _disk: *mut abi::DiskHandle,
    _requests: *const abi::ReadRequest,
    _count: usize,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: see `entry`.
    ask(&READ, unsafe { &mut *out_error })
}

unsafe extern "C" fn extents(
    _disk: *mut abi::DiskHandle,
    _offset: u64,
    _length: u64,
    out_extents: *mut abi::Extents,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: see `entry`.
    ask(&EXTENTS, unsafe { &mut *out_extents })
}

unsafe extern "C" fn cancel(_disk: *mut abi::DiskHandle) {}

unsafe extern "C" fn close(
    _disk: *mut abi::DiskHandle,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    abi::FIRN_OK
}

unsafe extern "C" fn snapshot(
    _driver: *mut abi::DriverHandle,
    _location: abi::Str,
    _name: abi::Str,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    abi::FIRN_OK
}

unsafe extern "C" fn snapshot_list(
    _driver: *mut abi::DriverHandle,
    _location: abi::Str,
    out_names: *mut abi::Text,
    _out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: see `entry`.
    ask(&NAMES, unsafe { &mut *out_names })
}

const DESCRIPTOR: abi::Descriptor = abi::Descriptor {
    struct_size: size_of::<abi::Descriptor>(),
    name: abi::Str::new("hostile"),
    vendor: abi::Str::new("nobody"),
    version: abi::Str::new("1"),
};

const DISK: abi::DiskVtable = abi::DiskVtable {
    struct_size: size_of::<abi::DiskVtable>(),
    size_bytes: Some(size_bytes),
    read: Some(read),
    cancel: Some(cancel),
    close: Some(close),
    release: Some(release_disk),
    extents_allocated: Some(extents),
};

unsafe extern "C" fn release_disk(_disk: *mut abi::DiskHandle) {}

static SNAPSHOTS: abi::SnapshotsExtension = abi::SnapshotsExtension {
    struct_size: size_of::<abi::SnapshotsExtension>(),
    create: Some(snapshot),
    remove: Some(snapshot),
    list: Some(snapshot_list),
};

const TABLE_OK: abi::DriverVtable = abi::DriverVtable {
    struct_size: size_of::<abi::DriverVtable>(),
    abi_version: abi::FIRN_ABI_VERSION,
    reserved: 0,
    descriptor: &DESCRIPTOR,
    disk: &DISK,
    create: Some(create),
    destroy: Some(destroy),
    probe: Some(probe),
    open: Some(open),
    capabilities: Some(capabilities),
    get_extension: Some(get_extension),
};

fn load_at(table: *const abi::DriverVtable) -> Result<LoadedDriver, LoadError> {
    TABLE.set(table);
    // SAFETY: the entry above and the tables it gives out live on; what is wrong with them is
    // what the host must find.
    unsafe { LoadedDriver::from_entry("hostile", entry, &Config::default()) }
}

/// Loads a table that differs from a good one.
fn load(change: impl FnOnce(&mut abi::DriverVtable)) -> Result<LoadedDriver, LoadError> {
    let mut table = TABLE_OK;
    change(&mut table);
    load_at(&table)
}

fn load_disk(change: impl FnOnce(&mut abi::DiskVtable)) -> Result<LoadedDriver, LoadError> {
    let mut disk = DISK;
    change(&mut disk);
    load(|table| table.disk = &disk)
}

fn load_descriptor(change: impl FnOnce(&mut abi::Descriptor)) -> String {
    let mut descriptor = DESCRIPTOR;
    change(&mut descriptor);
    load(|table| table.descriptor = &descriptor).unwrap_err().to_string()
}

fn good() -> LoadedDriver {
    load(|_| {}).unwrap()
}

fn opened(driver: &LoadedDriver) -> Box<dyn Disk> {
    driver.open(&request()).unwrap()
}

fn request() -> OpenRequest {
    OpenRequest { location: Location(json!(1)), snapshot: None, access: Access::ReadOnly }
}

fn somewhere() -> DiskLocation {
    DiskLocation::Unknown { description: "x".into() }
}

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

static RELEASED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count(_owner: *mut c_void) {
    RELEASED.fetch_add(1, Ordering::Relaxed);
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
        let before = RELEASED.load(Ordering::Relaxed);
        let error = driver.probe(&somewhere()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains(words), "{words}: {error}");
        assert_eq!(RELEASED.load(Ordering::Relaxed) - before, 2, "{words}");
    }
    // Not its own after all: the texts are released unseen.
    will(&PROBE, |probe| {
        probe.location = text(b"\xff");
        abi::FIRN_OK
    });
    let before = RELEASED.load(Ordering::Relaxed);
    assert_eq!(driver.probe(&somewhere()).unwrap(), None);
    assert_eq!(RELEASED.load(Ordering::Relaxed) - before, 1);
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
