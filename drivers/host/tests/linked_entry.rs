//! A driver's exported entry, linked into the program of its host.
#![allow(unsafe_code)] // Calls the exported symbol.

use firn_driver_abi as abi;
use firn_driver_host::LoadedDriver;
use firn_driver_memory::Medium;
use firn_driver_sdk::{Config, DiskLocation, Driver};

unsafe extern "C" {
    fn firn_driver_entry(
        abi_version: u32,
        host: *const abi::Host,
        out_vtable: *mut *const abi::DriverVtable,
        out_error: *mut abi::ErrorReport,
    ) -> abi::Status;
}

/// Here the driver's `tracing` is the host's: what one traces and the other passes on must not go
/// round in circles.
#[test]
fn logging_does_not_go_round() {
    Medium::named("linked").create("a", vec![0; 10]).unwrap();
    let config = Config(serde_json::json!({ "medium": "linked" }));
    // SAFETY: the entry of a driver that is linked into this program.
    let driver = unsafe { LoadedDriver::from_entry("memory", firn_driver_entry, &config) }.unwrap();
    let disk = DiskLocation::PoolVolume { pool: "linked".into(), volume: "a".into() };
    assert_eq!(driver.probe(&disk).unwrap().unwrap().size_bytes, 10);
    tracing::error!("and the host's own lines go nowhere");
}
