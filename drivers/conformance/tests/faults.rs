//! The suite finds drivers that do wrong: one fault each, and the check that must see it.
#![allow(clippy::unwrap_used)] // Helpers of tests.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use firn_driver_conformance::{run, run_only};
use firn_driver_memory::MemoryDriver;
use firn_driver_sdk::{
    Access, Capabilities, Connector, Descriptor, Disk, DiskLocation, Driver, DriverError,
    DriverFactory, ErrorKind, Extent, ExtentList, Host, Location, OpenRequest, Probe, ReadRequest,
};
use serde_json::json;
use support::{MemoryFixture, config, fresh_medium};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    ClaimsLess,
    ClaimsForeign,
    ClaimsAbsent,
    NotCanonical,
    WrongSize,
    WrongKind,
    NoMessage,
    NobodyConnects,
    TakesAnyLocation,
    WrongByte,
    LastByteUnread,
    SecondPieceUnread,
    ReadsPastTheEnd,
    MissesAnExtent,
    ExtentsOutside,
    ReadOnlyWrites,
    ReadOnlyIgnores,
    ReadingWrites,
    LosesWrites,
    LosesZeroes,
    WritesPastTheEnd,
    CreateOverwrites,
    IgnoresCancel,
    ForgetsCancel,
    CancelFailsOtherwise,
    SecondCloseFails,
    ClosesSilently,
    MissesAChange,
    AnyToken,
    SnapshotIsLive,
    SnapshotsStay,
    DeleteOfAbsentFails,
    RenameCopies,
    RemoveKeeps,
    RemoveOfAbsentFails,
    RemovesForeignSnapshots,
    RefusedAfterHalf,
}

/// The memory driver with a fault.
struct Faulty {
    inner: MemoryDriver,
    fault: Fault,
    count: AtomicU64,
}

struct FaultyDisk {
    inner: Box<dyn Disk>,
    fault: Fault,
    read_only: bool,
    closes: AtomicU64,
}

impl Faulty {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

fn first_dropped(list: ExtentList) -> ExtentList {
    list.as_slice().iter().skip(1).copied().collect()
}

impl Driver for Faulty {
    fn descriptor(&self) -> Descriptor {
        self.inner.descriptor()
    }

    fn capabilities(&self) -> Capabilities {
        match self.fault {
            Fault::ClaimsLess => Capabilities::default(),
            _ => self.inner.capabilities(),
        }
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        let claimed = Probe {
            storage: "s".into(),
            location: Location(json!({ "image": "x" })),
            size_bytes: 1,
            changed_blocks: false,
            in_use: false,
        };
        match self.inner.probe(location) {
            Ok(None) if self.is(Fault::ClaimsForeign) => Ok(Some(claimed)),
            Err(_) if self.is(Fault::ClaimsAbsent) => Ok(Some(claimed)),
            Err(_) if self.is(Fault::NoMessage) => Err(DriverError::not_found("ENOENT")),
            Ok(Some(mut probe)) => {
                if self.is(Fault::NotCanonical) {
                    let count = self.count.fetch_add(1, Ordering::Relaxed);
                    probe.storage = format!("storage {count}");
                }
                if self.is(Fault::WrongSize) {
                    probe.size_bytes -= 1;
                }
                Ok(Some(probe))
            }
            other => other,
        }
    }

    fn connector(&self) -> Result<Connector, DriverError> {
        match self.fault {
            Fault::NobodyConnects => Ok(Connector::default()),
            _ => self.inner.connector(),
        }
    }

    fn snapshot_create(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        self.inner.snapshot_create(location, name)
    }

    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        if self.is(Fault::SnapshotsStay) {
            return Ok(());
        }
        if self.is(Fault::DeleteOfAbsentFails)
            && !self.inner.snapshot_list(location)?.iter().any(|known| known == name)
        {
            return Err(DriverError::not_found("there is no such snapshot"));
        }
        self.inner.snapshot_delete(location, name)
    }

    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        self.inner.snapshot_list(location)
    }

    fn snapshot_rename(
        &self,
        location: &Location,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        self.inner.snapshot_rename(location, from, to)?;
        if self.is(Fault::RenameCopies) { self.snapshot_create(location, from) } else { Ok(()) }
    }

    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        let snapshots = self.inner.snapshot_list(location);
        match self.fault {
            Fault::RemoveKeeps => return Ok(()),
            Fault::RemoveOfAbsentFails => drop(snapshots?),
            Fault::RemovesForeignSnapshots => return self.inner.remove(location, ""),
            Fault::RefusedAfterHalf => snapshots?
                .iter()
                .filter(|name| name.starts_with(our_snapshots))
                .try_for_each(|name| self.inner.snapshot_delete(location, name))?,
            _ => {}
        }
        self.inner.remove(location, our_snapshots)
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        let mut request = request.clone();
        if self.is(Fault::TakesAnyLocation) && request.location.parse::<Place>().is_err() {
            return Err(DriverError::not_found("there is no such image"));
        }
        let read_only = request.access == Access::ReadOnly;
        if self.is(Fault::ReadOnlyWrites) && read_only && request.snapshot.is_none() {
            request.access = Access::Writable;
        }
        if self.is(Fault::SnapshotIsLive) {
            request.snapshot = None;
        }
        let opened = match self.inner.open(&request) {
            Err(error) if self.is(Fault::CreateOverwrites) => {
                request.access = Access::Writable;
                self.inner.open(&request).map_err(|_| error)
            }
            Err(error) if self.is(Fault::WrongKind) => {
                Err(DriverError::new(ErrorKind::Internal, error.message()))
            }
            other => other,
        };
        Ok(Box::new(FaultyDisk {
            inner: opened?,
            fault: self.fault,
            read_only,
            closes: AtomicU64::new(0),
        }))
    }
}

#[derive(serde::Deserialize)]
struct Place {
    #[serde(rename = "image")]
    _image: String,
}

impl FaultyDisk {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

impl Disk for FaultyDisk {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }

    fn read(&self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        let size = self.size_bytes();
        if self.is(Fault::ReadsPastTheEnd) {
            requests.iter_mut().for_each(|request| request.buffer.fill(0));
            let inside = |request: &&mut ReadRequest<'_>| {
                request.offset.saturating_add(request.buffer.len() as u64) <= size
            };
            return requests
                .iter_mut()
                .filter(inside)
                .try_for_each(|request| self.inner.read(std::slice::from_mut(request)));
        }
        if self.is(Fault::SecondPieceUnread) && requests.len() > 1 {
            return self.inner.read(&mut requests[..1]);
        }
        let read = self.inner.read(requests);
        match (self.fault, requests) {
            (Fault::WrongByte, [request, ..]) if !request.buffer.is_empty() => {
                request.buffer[0] ^= 1;
            }
            (Fault::LastByteUnread, requests) => requests
                .iter_mut()
                .filter(|request| request.offset + request.buffer.len() as u64 == size)
                .filter_map(|request| request.buffer.last_mut())
                .for_each(|byte| *byte = 0),
            (Fault::ReadingWrites, _) => self.inner.write(17, &[17])?,
            (Fault::IgnoresCancel, _) => {
                thread::sleep(Duration::from_millis(20));
                return Ok(());
            }
            _ => {}
        }
        match read {
            Err(error) if error.is_cancelled() && self.is(Fault::CancelFailsOtherwise) => {
                Err(DriverError::unavailable("the connection was lost"))
            }
            read => read,
        }
    }

    fn extents_allocated(&self, range: Extent) -> Result<ExtentList, DriverError> {
        if self.is(Fault::ForgetsCancel) {
            return Ok([range].into_iter().collect());
        }
        let whole = self.inner.extents_allocated(Extent::new(0, u64::MAX));
        match self.fault {
            Fault::MissesAnExtent => Ok(first_dropped(whole?)),
            Fault::ExtentsOutside => whole,
            _ => self.inner.extents_allocated(range),
        }
    }

    fn change_token(&self) -> Result<Option<String>, DriverError> {
        self.inner.change_token()
    }

    fn extents_changed(&self, from: &str) -> Result<ExtentList, DriverError> {
        match (self.fault, self.inner.extents_changed(from)) {
            (Fault::MissesAChange, Ok(list)) => Ok(first_dropped(list)),
            (Fault::AnyToken, Err(_)) => Ok(ExtentList::new()),
            (_, answer) => answer,
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        let size = self.size_bytes();
        match self.fault {
            Fault::ReadOnlyIgnores if self.read_only => Ok(()),
            Fault::LosesWrites => Ok(()),
            Fault::WritesPastTheEnd => {
                let fits = size.saturating_sub(offset).min(data.len() as u64) as usize;
                self.inner.write(offset.min(size), &data[..fits])
            }
            _ => self.inner.write(offset, data),
        }
    }

    fn zero(&self, extent: Extent) -> Result<(), DriverError> {
        match self.fault {
            Fault::LosesZeroes => Ok(()),
            _ => self.inner.zero(extent),
        }
    }

    fn flush(&self) -> Result<(), DriverError> {
        self.inner.flush()
    }

    fn cancel(&self) {
        self.inner.cancel();
    }

    fn close(&self) -> Result<(), DriverError> {
        let closed = self.inner.close();
        let again = self.closes.fetch_add(1, Ordering::Relaxed) > 0;
        match self.fault {
            Fault::ClosesSilently => Ok(()),
            Fault::SecondCloseFails if again => {
                Err(DriverError::conflict("the disk is closed already"))
            }
            _ => closed,
        }
    }
}

fn faulty(fault: Fault) -> (Faulty, MemoryFixture) {
    let medium = fresh_medium();
    let inner = MemoryDriver::create(&config(&medium), Host::silent()).unwrap();
    (Faulty { inner, fault, count: AtomicU64::new(0) }, MemoryFixture::native(&medium))
}

#[test]
fn the_wrapper_itself_is_no_fault() {
    let (driver, fixture) = faulty(Fault::None);
    run(&driver, &fixture).assert_passed();
}

#[test]
fn every_fault_is_found_by_its_check() {
    let faults = [
        (Fault::ClaimsLess, "capabilities"),
        (Fault::ClaimsForeign, "probe of a foreign disk"),
        (Fault::ClaimsAbsent, "probe of an absent disk"),
        (Fault::NotCanonical, "probe of its own disk"),
        (Fault::WrongSize, "probe of its own disk"),
        (Fault::WrongKind, "open of an absent disk"),
        (Fault::NoMessage, "probe of an absent disk"),
        (Fault::NobodyConnects, "connector"),
        (Fault::TakesAnyLocation, "open of a location of nobody"),
        (Fault::WrongByte, "read of everything"),
        (Fault::WrongByte, "concurrent reads"),
        (Fault::WrongByte, "open twice"),
        (Fault::LastByteUnread, "read at random"),
        (Fault::SecondPieceUnread, "vectored read"),
        (Fault::ReadsPastTheEnd, "read past the end"),
        (Fault::MissesAnExtent, "allocated extents cover all data"),
        (Fault::MissesAnExtent, "allocated extents of a range"),
        (Fault::ExtentsOutside, "allocated extents of a range"),
        (Fault::ReadOnlyWrites, "read-only refuses writes"),
        (Fault::ReadOnlyIgnores, "read-only refuses writes"),
        (Fault::ReadOnlyIgnores, "snapshot content"),
        (Fault::LosesWrites, "write"),
        (Fault::LosesWrites, "concurrent writes"),
        (Fault::LosesWrites, "create"),
        (Fault::LosesZeroes, "zero"),
        (Fault::WritesPastTheEnd, "write past the end"),
        (Fault::CreateOverwrites, "create what exists"),
        (Fault::IgnoresCancel, "cancel of running reads"),
        (Fault::ForgetsCancel, "cancel of later calls"),
        (Fault::CancelFailsOtherwise, "cancel of running reads"),
        (Fault::SecondCloseFails, "close"),
        (Fault::ClosesSilently, "close of a disk that changed"),
        (Fault::MissesAChange, "changed extents"),
        (Fault::AnyToken, "changed extents from an unknown token"),
        (Fault::SnapshotIsLive, "snapshot content"),
        (Fault::SnapshotsStay, "snapshots"),
        (Fault::DeleteOfAbsentFails, "absent and doubled snapshots"),
        (Fault::RenameCopies, "renamed snapshots"),
        (Fault::RemoveKeeps, "remove"),
        (Fault::RemoveOfAbsentFails, "remove"),
        (Fault::RemovesForeignSnapshots, "remove of a disk in use"),
        (Fault::RefusedAfterHalf, "remove of a disk in use"),
    ];
    for (fault, check) in faults {
        let (driver, fixture) = faulty(fault);
        let report = run_only(&driver, &fixture, &[check]);
        assert_eq!(report.failed(), [check], "{fault:?} is not found:\n{report}");
    }
}

/// A driver that writes where it should only read is found by the bytes of the medium.
#[test]
fn a_trace_in_the_medium_is_found() {
    let (driver, fixture) = faulty(Fault::ReadingWrites);
    let check = "read-only leaves the medium alone";
    let report = run_only(&Sneaky(driver), &fixture, &[check]);
    assert_eq!(report.failed(), [check], "{report}");
}

/// Opens writable what should be read-only, and hides it.
struct Sneaky(Faulty);

impl Driver for Sneaky {
    fn descriptor(&self) -> Descriptor {
        self.0.descriptor()
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        self.0.probe(location)
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        self.0.open(&OpenRequest { access: Access::Writable, ..request.clone() })
    }
}
