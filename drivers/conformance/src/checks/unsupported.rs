use firn_driver_sdk::{Access, ConnectionInfo, ErrorKind};

use crate::bench::{Bench, expect_error};
use crate::report::{Checked, ensure};

/// What a driver does not claim it refuses, and does not do by half.
pub(super) fn says_so(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("unsupported")?;
    let before = bench.fixture.fingerprint(&sample.disk)?;
    let (driver, location) = (bench.driver, sample.location());
    let can = bench.fixture.disk_capabilities();
    let unsupported = [ErrorKind::Unsupported];
    if !can.snapshots {
        expect_error(driver.snapshot_create(location, "a"), &unsupported, "snapshot_create")?;
        expect_error(driver.snapshot_delete(location, "a"), &unsupported, "snapshot_delete")?;
        expect_error(driver.snapshot_list(location), &unsupported, "snapshot_list")?;
        let renamed = driver.snapshot_rename(location, "a", "b");
        expect_error(renamed, &unsupported, "snapshot_rename")?;
        let opened = bench.open(location, Some("a"), Access::ReadOnly);
        expect_error(opened, &unsupported, "open of a snapshot")?;
    }
    if !can.remove {
        expect_error(driver.remove(location, ""), &unsupported, "remove")?;
    }
    if !can.connections {
        let info = ConnectionInfo {
            version: 1,
            protocol: "none".to_owned(),
            data: serde_json::Value::Null,
        };
        expect_error(driver.connector(), &unsupported, "connector")?;
        expect_error(driver.connect(&info), &unsupported, "connect")?;
        expect_error(driver.disconnect(&info), &unsupported, "disconnect")?;
    }
    if !can.write {
        let opened = bench.open(location, None, Access::Writable);
        expect_error(opened, &unsupported, "open to write")?;
    }
    if !can.create {
        let opened = bench.open(location, None, Access::Create { size_bytes: 1 << 20 });
        expect_error(opened, &unsupported, "create")?;
    }
    if !can.changed_blocks {
        let disk = bench.open_to_read(location)?;
        ensure!(disk.change_token()?.is_none(), "an untracked disk gives a change token");
        disk.close()?;
        ensure!(!sample.probe.changed_blocks, "an untracked disk is probed as tracked");
    }
    let after = bench.fixture.fingerprint(&sample.disk)?;
    ensure!(before == after, "something that is not supported changed the disk");
    Ok(())
}
