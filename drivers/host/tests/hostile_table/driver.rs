//! A driver that does as the test says.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;

use firn_driver_abi as abi;
use firn_driver_host::{LoadError, LoadedDriver};
use firn_driver_sdk::{Access, Config, Disk, DiskLocation, Driver, Location, OpenRequest};
use serde_json::json;

pub(crate) type Answer<T> = RefCell<Option<Box<dyn Fn(&mut T) -> abi::Status>>>;

thread_local! {
    pub(crate) static TABLE: Cell<*const abi::DriverVtable> = const { Cell::new(ptr::null()) };
    pub(crate) static ENTRY: Answer<abi::ErrorReport> = const { RefCell::new(None) };
    pub(crate) static CREATE: Answer<*mut abi::DriverHandle> = const { RefCell::new(None) };
    pub(crate) static PROBE: Answer<abi::Probe> = const { RefCell::new(None) };
    pub(crate) static OPEN: Answer<*mut abi::DiskHandle> = const { RefCell::new(None) };
    pub(crate) static READ: Answer<abi::ErrorReport> = const { RefCell::new(None) };
    pub(crate) static EXTENTS: Answer<abi::Extents> = const { RefCell::new(None) };
    pub(crate) static NAMES: Answer<abi::Text> = const { RefCell::new(None) };
    pub(crate) static EXTENSION: Cell<*const c_void> = const { Cell::new(ptr::null()) };
}

/// Lets the test answer, where it wants to.
pub(crate) fn ask<T>(
    answer: &'static std::thread::LocalKey<Answer<T>>,
    out: &mut T,
) -> abi::Status {
    answer.with_borrow(|answer| answer.as_ref().map_or(abi::FIRN_OK, |answer| answer(out)))
}

pub(crate) fn will<T>(
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
pub(crate) fn handle<T>() -> *mut T {
    pub(crate) static SOMETHING: u64 = 0;
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

unsafe extern "C" fn snapshot_rename(
    _driver: *mut abi::DriverHandle,
    _location: abi::Str,
    _from: abi::Str,
    _to: abi::Str,
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

pub(crate) const DESCRIPTOR: abi::Descriptor = abi::Descriptor {
    struct_size: size_of::<abi::Descriptor>(),
    name: abi::Str::new("hostile"),
    vendor: abi::Str::new("nobody"),
    version: abi::Str::new("1"),
};

pub(crate) const DISK: abi::DiskVtable = abi::DiskVtable {
    struct_size: size_of::<abi::DiskVtable>(),
    size_bytes: Some(size_bytes),
    read: Some(read),
    cancel: Some(cancel),
    close: Some(close),
    release: Some(release_disk),
    extents_allocated: Some(extents),
};

unsafe extern "C" fn release_disk(_disk: *mut abi::DiskHandle) {}

pub(crate) static SNAPSHOTS: abi::SnapshotsExtension = abi::SnapshotsExtension {
    struct_size: size_of::<abi::SnapshotsExtension>(),
    create: Some(snapshot),
    remove: Some(snapshot),
    list: Some(snapshot_list),
    rename: Some(snapshot_rename),
};

pub(crate) const TABLE_OK: abi::DriverVtable = abi::DriverVtable {
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

pub(crate) fn load_at(table: *const abi::DriverVtable) -> Result<LoadedDriver, LoadError> {
    TABLE.set(table);
    // SAFETY: the entry above and the tables it gives out live on; what is wrong with them is
    // what the host must find.
    unsafe { LoadedDriver::from_entry("hostile", entry, &Config::default()) }
}

/// Loads a table that differs from a good one.
pub(crate) fn load(change: impl FnOnce(&mut abi::DriverVtable)) -> Result<LoadedDriver, LoadError> {
    let mut table = TABLE_OK;
    change(&mut table);
    load_at(&table)
}

pub(crate) fn load_disk(
    change: impl FnOnce(&mut abi::DiskVtable),
) -> Result<LoadedDriver, LoadError> {
    let mut disk = DISK;
    change(&mut disk);
    load(|table| table.disk = &disk)
}

pub(crate) fn load_descriptor(change: impl FnOnce(&mut abi::Descriptor)) -> String {
    let mut descriptor = DESCRIPTOR;
    change(&mut descriptor);
    load(|table| table.descriptor = &descriptor).unwrap_err().to_string()
}

pub(crate) fn good() -> LoadedDriver {
    load(|_| {}).unwrap()
}

pub(crate) fn opened(driver: &LoadedDriver) -> Box<dyn Disk> {
    driver.open(&request()).unwrap()
}

pub(crate) fn request() -> OpenRequest {
    OpenRequest { location: Location(json!(1)), snapshot: None, access: Access::ReadOnly }
}

pub(crate) fn somewhere() -> DiskLocation {
    DiskLocation::Unknown { description: "x".into() }
}
