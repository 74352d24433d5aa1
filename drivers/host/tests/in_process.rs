//! Both sides of the ABI in one process, without a library, so that Miri and valgrind can watch
//! every pointer that crosses.
#![allow(unsafe_code)] // An entry without a library.
#![allow(clippy::unwrap_used)] // Helpers of tests.

use firn_driver_abi as abi;
use firn_driver_host::LoadedDriver;
use firn_driver_memory::{Medium, MemoryDriver};
use firn_driver_sdk::{
    Access, Config, Disk, DiskLocation, Driver, ErrorKind, Extent, Location, OpenRequest,
    ReadRequest, export,
};
use serde_json::json;

unsafe extern "C" fn entry(
    abi_version: u32,
    _host: *const abi::Host,
    out_vtable: *mut *const abi::DriverVtable,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe { export::entry::<MemoryDriver>(abi_version, out_vtable, out_error) }
}

fn driver(config: serde_json::Value) -> LoadedDriver {
    // SAFETY: the entry above, whose tables are static.
    unsafe { LoadedDriver::from_entry("memory", entry, &Config(config)) }.unwrap()
}

fn place(image: &str) -> Location {
    Location(json!({ "image": image }))
}

fn open(driver: &LoadedDriver, snapshot: Option<&str>, access: Access) -> Box<dyn Disk> {
    let snapshot = snapshot.map(str::to_owned);
    driver.open(&OpenRequest { location: place("a"), snapshot, access }).unwrap()
}

#[test]
fn a_whole_life() {
    let driver = driver(json!({ "medium": "whole-life" }));
    let disk = open(&driver, None, Access::Create { size_bytes: 20_000 });
    disk.write(5000, b"firn").unwrap();
    disk.write(0, &[]).unwrap();
    disk.zero(Extent::new(5000, 1)).unwrap();
    disk.flush().unwrap();
    disk.close().unwrap();
    drop(disk);

    let found = DiskLocation::PoolVolume { pool: "whole-life".into(), volume: "a".into() };
    let probe = driver.probe(&found).unwrap().unwrap();
    assert_eq!((probe.location, probe.size_bytes), (place("a"), 20_000));
    driver.snapshot_create(&place("a"), "s").unwrap();
    assert_eq!(driver.snapshot_list(&place("a")).unwrap(), ["s"]);

    let disk = open(&driver, Some("s"), Access::ReadOnly);
    let (mut first, mut second, mut third) = ([9; 5], [9; 2], [9; 0]);
    disk.read(&mut [
        ReadRequest { offset: 4999, buffer: &mut first },
        ReadRequest { offset: 0, buffer: &mut second },
        ReadRequest { offset: 3, buffer: &mut third },
    ])
    .unwrap();
    assert_eq!((&first, second), (b"\0\0irn", [0; 2]));
    let extents = disk.extents_allocated(Extent::new(0, 20_000)).unwrap();
    assert_eq!(extents.as_slice(), [Extent::new(4096, 4096)]);
    let token = disk.change_token().unwrap().unwrap();
    disk.close().unwrap();

    let disk = open(&driver, None, Access::Writable);
    disk.write(100, &[1; 10]).unwrap();
    disk.close().unwrap();
    let disk = open(&driver, None, Access::ReadOnly);
    let changed = disk.extents_changed(&token).unwrap();
    assert_eq!(changed.as_slice(), [Extent::new(100, 10)]);
    let error = disk.write(0, &[1]).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Forbidden, "the disk is open read-only")
    );
    assert_eq!(disk.extents_changed("x").unwrap_err().kind(), ErrorKind::NotFound);
    // The disk outlives its driver's handle on it.
    drop(driver);
    disk.read(&mut [ReadRequest { offset: 0, buffer: &mut [0] }]).unwrap();
}

#[test]
fn errors_bring_their_causes() {
    let driver = driver(json!({ "medium": "causes" }));
    let request =
        OpenRequest { location: Location(json!(7)), snapshot: None, access: Access::ReadOnly };
    let error = driver.open(&request).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("expected struct Place"), "{cause}");
}

#[test]
fn threads_read_while_one_cancels() {
    let driver = driver(json!({ "medium": "threads", "read_delay_ms": 30_000 }));
    Medium::named("threads").create("a", vec![3; 512]).unwrap();
    let disk = open(&driver, None, Access::ReadOnly);
    std::thread::scope(|scope| {
        let read = || disk.read(&mut [ReadRequest { offset: 0, buffer: &mut [0; 512] }]);
        let readers = [scope.spawn(read), scope.spawn(read)];
        std::thread::sleep(std::time::Duration::from_millis(20));
        disk.cancel();
        for reader in readers {
            assert!(reader.join().unwrap().unwrap_err().is_cancelled());
        }
    });
    disk.close().unwrap();
}

#[test]
fn panics_become_errors() {
    let driver = driver(json!({ "medium": "panics", "panic": true }));
    let error = driver.connector().unwrap_err();
    assert_eq!(error.message(), "the driver panicked: told to panic in connector");
    assert!(!driver.capabilities().write);
    // SAFETY: as in `driver`.
    let panicked =
        unsafe { LoadedDriver::from_entry("memory", entry, &Config(json!({"medium": "panic"}))) };
    assert!(panicked.unwrap_err().chain().contains("told to panic in create"));
}

#[test]
fn another_abi_is_refused_by_the_driver() {
    let mut table = std::ptr::null();
    let mut report = abi::ErrorReport::empty();
    // SAFETY: both out pointers are good.
    let status = unsafe { entry(2, std::ptr::null(), &raw mut table, &raw mut report) };
    assert_eq!((status, table.is_null()), (abi::FIRN_UNSUPPORTED, true));
    // SAFETY: the driver filled it.
    let message = unsafe { report.message.take() }.unwrap().unwrap();
    assert!(message.contains("ABI version 2"), "{message}");
}
