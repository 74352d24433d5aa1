//! The suite over the memory driver, called directly.

mod support;

use firn_driver_conformance::run;
use firn_driver_memory::MemoryDriver;
use firn_driver_sdk::{DriverFactory, Host};
use support::{MemoryFixture, check_connections, config, fresh_medium};

#[test]
fn the_native_driver_conforms() {
    let medium = fresh_medium();
    let driver = MemoryDriver::create(&config(&medium), Host::silent()).unwrap();
    let fixture = MemoryFixture::native(&medium);
    let report = run(&driver, &fixture);
    report.assert_passed();
    assert!(report.left_out().is_empty(), "{report}");
    check_connections(&driver, &fixture);
}
