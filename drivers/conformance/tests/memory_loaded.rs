//! The suite over the memory driver, loaded from its library.
#![allow(unsafe_code)] // Reaches the medium inside the library by its C functions.
#![allow(clippy::unwrap_used)] // Helpers of tests.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use firn_driver_conformance::{StagedLibrary, run, stage};
use firn_driver_host::{DriverSet, LoadedDriver, ProbeError};
use firn_driver_sdk::{
    Access, Config, DiskLocation, Driver, DriverError, ErrorKind, OpenRequest, ReadRequest,
};
use libloading::os::unix::Library;
use serde_json::json;
use support::{Link, MemoryFixture, check_connections, config, fresh_medium};

/// The medium in the loaded library, which is not the one linked into this program.
struct Loaded {
    library: Library,
    medium: String,
}

impl Loaded {
    /// The same library that the host loaded: the linker gives it out once more.
    fn of(staged: &StagedLibrary, medium: &str) -> Self {
        let path = staged.folder().canonicalize().unwrap().join("libfirn_driver_memory.so");
        // SAFETY: a library of this workspace.
        let library = unsafe { Library::new(path) }.unwrap();
        Self { library, medium: medium.to_owned() }
    }

    fn names(&self, image: &str) -> String {
        format!("{}/{image}", self.medium)
    }
}

impl Link for Loaded {
    fn create(&self, image: &str, data: &[u8]) -> bool {
        type Create = unsafe extern "C" fn(*const u8, usize, *const u8, usize) -> i64;
        let names = self.names(image);
        // SAFETY: the symbol has this type; both slices outlive the call.
        unsafe {
            let create = self.library.get::<Create>(b"firn_memory_create").unwrap();
            create(names.as_ptr(), names.len(), data.as_ptr(), data.len()) == 0
        }
    }

    fn remove(&self, image: &str) {
        type Remove = unsafe extern "C" fn(*const u8, usize) -> i64;
        let names = self.names(image);
        // SAFETY: as above.
        unsafe {
            self.library.get::<Remove>(b"firn_memory_remove").unwrap()(names.as_ptr(), names.len())
        };
    }

    fn write(&self, image: &str, offset: u64, data: &[u8]) -> bool {
        type Write = unsafe extern "C" fn(*const u8, usize, u64, *const u8, usize) -> i64;
        let names = self.names(image);
        // SAFETY: as above.
        unsafe {
            let write = self.library.get::<Write>(b"firn_memory_write").unwrap();
            write(names.as_ptr(), names.len(), offset, data.as_ptr(), data.len()) == 0
        }
    }

    fn read(&self, image: &str) -> Option<Vec<u8>> {
        type Read = unsafe extern "C" fn(*const u8, usize, *mut u8, usize) -> i64;
        let names = self.names(image);
        let mut data = vec![0; 16 << 20];
        // SAFETY: as above.
        let length = unsafe {
            let read = self.library.get::<Read>(b"firn_memory_read").unwrap();
            read(names.as_ptr(), names.len(), data.as_mut_ptr(), data.len())
        };
        data.truncate(usize::try_from(length).ok()?);
        Some(data)
    }
}

fn loaded(options: serde_json::Value) -> (StagedLibrary, LoadedDriver) {
    let staged = stage("memory").unwrap();
    let driver = LoadedDriver::load(staged.folder(), "memory", &Config(options)).unwrap();
    (staged, driver)
}

fn fixture(staged: &StagedLibrary, medium: &str) -> MemoryFixture {
    MemoryFixture { medium: medium.to_owned(), link: Box::new(Loaded::of(staged, medium)) }
}

#[test]
fn the_loaded_driver_conforms() {
    let medium = fresh_medium();
    let (staged, driver) = loaded(json!({ "medium": medium }));
    let fixture = fixture(&staged, &medium);
    let report = run(&driver, &fixture);
    report.assert_passed();
    assert!(report.left_out().is_empty(), "{report}");
    check_connections(&driver, &fixture);
    // It is another medium than the one linked into this test: the library was really used.
    let linked = MemoryFixture::native(&medium);
    assert_eq!(linked.link.read("lun"), None);
}

#[test]
fn a_set_finds_the_driver_of_a_disk() {
    let medium = fresh_medium();
    let staged = stage("memory").unwrap();
    let enabled = ["absent", "memory", "memory"].map(str::to_owned);
    let configs = HashMap::from([("memory".to_owned(), config(&medium))]);
    let set = DriverSet::load(staged.folder(), &enabled, &configs);
    assert_eq!(set.drivers().len(), 2, "a name counts once");
    let fixture = fixture(&staged, &medium);
    assert!(fixture.link.create("a", &[0; 512]));

    let (driver, probe) = set.probe(&fixture.disk("a")).unwrap();
    assert_eq!((driver.as_str(), probe.size_bytes), ("memory", 512));
    assert_eq!(set.get("memory").unwrap().descriptor().name, "memory");

    let failed = set.probe(&fixture.disk("b")).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::NotFound);
    let nobodys = DiskLocation::Unknown { description: "x".into() };
    match set.probe(&nobodys).unwrap_err() {
        ProbeError::NoDriver { asked, disabled } => {
            assert_eq!((asked, disabled), (vec!["memory".into()], vec!["absent".into()]));
        }
        other => panic!("{other}"),
    }
    assert_eq!(set.get("absent").err().unwrap().kind(), ErrorKind::NotFound);
    assert_eq!(set.get("other").err().unwrap().kind(), ErrorKind::NotFound);
}

/// A read that would take a minute ends when it is cancelled, and `close` waits for it.
#[test]
fn a_read_is_cancelled_in_its_middle() {
    let medium = fresh_medium();
    let (staged, driver) = loaded(json!({ "medium": medium, "read_delay_ms": 60_000 }));
    let fixture = fixture(&staged, &medium);
    assert!(fixture.link.create("slow", &[1; 4096]));
    let location = driver.probe(&fixture.disk("slow")).unwrap().unwrap().location;
    let request = OpenRequest { location, snapshot: None, access: Access::ReadOnly };
    let disk = driver.open(&request).unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            disk.read(&mut [ReadRequest { offset: 0, buffer: &mut [0; 4096] }]).unwrap_err()
        });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!reader.is_finished());
        disk.cancel();
        assert!(reader.join().unwrap().is_cancelled());
    });
    disk.close().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let closed = disk.read(&mut []).unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Conflict);
}

fn panicked<T>(result: Result<T, DriverError>) {
    let Err(error) = result else { panic!("it succeeded") };
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("panicked: told to panic in"), "{error}");
}

#[test]
fn panics_stay_in_the_library() {
    let medium = fresh_medium();
    let (staged, driver) = loaded(json!({ "medium": medium, "panic": true }));
    panicked(driver.probe(&fixture(&staged, &medium).disk("a")));
    panicked(driver.connector());
    assert_eq!(driver.capabilities(), Default::default());
    let staged = stage("memory").unwrap();
    let error = LoadedDriver::load(staged.folder(), "memory", &config("panic")).unwrap_err();
    assert_eq!(error.to_string(), "the driver memory cannot start");
    assert!(error.chain().contains("told to panic in create"), "{}", error.chain());
}

#[test]
fn a_wrong_configuration_is_named() {
    let staged = stage("memory").unwrap();
    let options = Config(json!({ "medium": 7 }));
    let error = LoadedDriver::load(staged.folder(), "memory", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.chain().contains("invalid type"), "{}", error.chain());
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl tracing::Subscriber for &'static Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event()
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, f: &tracing::field::Field, v: &dyn std::fmt::Debug) {
                self.0 += &format!(" {}={v:?}", f.name());
            }
        }
        let metadata = event.metadata();
        let mut fields = Fields(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// What the driver logs by the host, by `tracing` and as progress is found in our own `tracing`.
#[test]
fn a_drivers_log_arrives_here() {
    let lines: &'static Lines = Box::leak(Box::default());
    tracing::subscriber::set_global_default(lines).unwrap();
    let medium = fresh_medium();
    let (staged, driver) = loaded(json!({ "medium": medium }));
    let driver: Arc<dyn Driver> = Arc::new(driver);
    let fixture = fixture(&staged, &medium);
    assert!(fixture.link.create("a", &[0; 512]));
    let probe = driver.probe(&fixture.disk("a")).unwrap().unwrap();
    driver.snapshot_create(&probe.location, "s").unwrap();
    let lines = lines.0.lock().unwrap().join("\n");
    for part in [
        "INFO firn_driver message=the memory driver starts driver=\"memory\" part=\"memory\"",
        "DEBUG firn_driver message=probed volume=a driver=\"memory\" part=\"firn_driver_memory::driver\"",
        "DEBUG firn_driver message=progress driver=\"memory\" operation=\"snapshot_create\" done=1 total=1",
    ] {
        assert!(lines.contains(part), "{part} is not in:\n{lines}");
    }
}
