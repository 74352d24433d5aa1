use firn_driver_sdk::{Access, ErrorKind, Extent};

use crate::bench::{Bench, Sample, expect_content, expect_error};
use crate::report::{Checked, Stop, ensure};

fn sample(bench: &Bench<'_>, name: &str) -> Checked<Sample> {
    if !bench.fixture.disk_capabilities().snapshots {
        return Err(Stop::LeftOut);
    }
    bench.sample(name)
}

pub(super) fn life(bench: &Bench<'_>) -> Checked {
    let sample = sample(bench, "snapshot-life")?;
    let list = || -> Checked<Vec<String>> {
        let mut names = bench.driver.snapshot_list(sample.location())?;
        names.sort();
        Ok(names)
    };
    ensure!(list()?.is_empty(), "a new disk has snapshots");
    for name in ["second", "first"] {
        bench.driver.snapshot_create(sample.location(), name)?;
    }
    ensure!(list()? == ["first", "second"], "both snapshots should be listed: {:?}", list()?);
    bench.driver.snapshot_delete(sample.location(), "first")?;
    ensure!(list()? == ["second"], "only the other should be left: {:?}", list()?);
    bench.driver.snapshot_delete(sample.location(), "second")?;
    ensure!(list()?.is_empty(), "snapshots are left: {:?}", list()?);
    Ok(())
}

/// A snapshot holds what was there, whatever is written later, and is never written to.
pub(super) fn content(bench: &Bench<'_>) -> Checked {
    let sample = sample(bench, "snapshot-content")?;
    bench.driver.snapshot_create(sample.location(), "then")?;
    let opened = bench.open(sample.location(), Some("then"), Access::ReadOnly)?;
    ensure!(
        bench.fixture.guest_writes(&sample.disk, 4096, &[0x11; 8192])?,
        "the medium keeps the guest out while a snapshot is read"
    );
    expect_content(&*opened, &sample.content)?;
    let forbidden = [ErrorKind::Forbidden];
    expect_error(opened.write(0, &[1]), &forbidden, "write to a snapshot")?;
    expect_error(opened.zero(Extent::new(0, 512)), &forbidden, "zero of a snapshot")?;
    // A change of the disk does not touch the snapshot: no conflict.
    opened.close()?;
    drop(opened);
    let again = bench.open(sample.location(), Some("then"), Access::ReadOnly)?;
    expect_content(&*again, &sample.content)?;
    again.close()?;
    drop(again);
    let writable = bench.open(sample.location(), Some("then"), Access::Writable);
    let kinds = [ErrorKind::Forbidden, ErrorKind::InvalidInput, ErrorKind::Unsupported];
    expect_error(writable, &kinds, "open of a snapshot to write")?;
    Ok(bench.driver.snapshot_delete(sample.location(), "then")?)
}

/// A renamed snapshot is the same one, also to those who named it before. A storage whose snapshots
/// keep their names says so.
pub(super) fn renamed(bench: &Bench<'_>) -> Checked {
    let sample = sample(bench, "snapshot-renamed")?;
    let (driver, location) = (bench.driver, sample.location());
    driver.snapshot_create(location, "before")?;
    match driver.snapshot_rename(location, "before", "after") {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            driver.snapshot_delete(location, "before")?;
            return Err(Stop::LeftOut);
        }
        done => done?,
    }
    ensure!(driver.snapshot_list(location)? == ["after"], "the snapshot should have its new name");
    let absent = driver.snapshot_rename(location, "before", "other");
    expect_error(absent, &[ErrorKind::NotFound], "renaming an absent snapshot")?;
    driver.snapshot_create(location, "second")?;
    let taken = driver.snapshot_rename(location, "second", "after");
    expect_error(taken, &[ErrorKind::Conflict], "renaming to a name that is taken")?;
    ensure!(
        bench.fixture.guest_writes(&sample.disk, 4096, &[0x22; 8192])?,
        "the medium keeps the guest out while there is a snapshot"
    );
    let opened = bench.open(location, Some("after"), Access::ReadOnly)?;
    expect_content(&*opened, &sample.content)?;
    opened.close()?;
    drop(opened);
    driver.snapshot_delete(location, "second")?;
    Ok(driver.snapshot_delete(location, "after")?)
}

pub(super) fn absent_and_doubled(bench: &Bench<'_>) -> Checked {
    let sample = sample(bench, "snapshot-absent")?;
    let (driver, location) = (bench.driver, sample.location());
    driver.snapshot_delete(location, "never")?;
    let opened = bench.open(location, Some("never"), Access::ReadOnly);
    expect_error(opened, &[ErrorKind::NotFound], "open of an absent snapshot")?;
    driver.snapshot_create(location, "once")?;
    let twice = driver.snapshot_create(location, "once");
    expect_error(twice, &[ErrorKind::Conflict], "taking a snapshot under a name that is taken")?;
    driver.snapshot_delete(location, "once")?;
    driver.snapshot_delete(location, "once")?;
    bench.fixture.remove_disk(&sample.disk)?;
    Ok(driver.snapshot_delete(location, "once")?)
}
