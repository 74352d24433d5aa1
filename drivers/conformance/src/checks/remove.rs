use firn_driver_sdk::{Access, ErrorKind};

use crate::bench::{Bench, expect_content, expect_error};
use crate::report::{Checked, Stop, ensure};

const OURS: &str = "ours.";

/// A disk goes with the snapshots that are ours, and it may have gone before.
pub(super) fn life(bench: &Bench<'_>) -> Checked {
    let can = bench.fixture.disk_capabilities();
    if !can.remove {
        return Err(Stop::LeftOut);
    }
    let sample = bench.sample("remove")?;
    let (driver, location) = (bench.driver, sample.location());
    if can.snapshots {
        driver.snapshot_create(location, "ours.1")?;
        driver.snapshot_create(location, "ours.2")?;
    }
    driver.remove(location, OURS)?;
    let left = driver.probe(&sample.disk);
    expect_error(left, &[ErrorKind::NotFound], "probe of a removed disk")?;
    Ok(driver.remove(location, OURS)?)
}

/// What somebody uses stays, with everything that belongs to it.
pub(super) fn in_use(bench: &Bench<'_>) -> Checked {
    let can = bench.fixture.disk_capabilities();
    if !can.remove || !can.snapshots || !can.write {
        return Err(Stop::LeftOut);
    }
    let sample = bench.sample("remove-in-use")?;
    let (driver, location) = (bench.driver, sample.location());
    driver.snapshot_create(location, "ours.1")?;
    driver.snapshot_create(location, "theirs")?;
    let whole = || -> Checked {
        let mut names = driver.snapshot_list(location)?;
        names.sort();
        ensure!(names == ["ours.1", "theirs"], "of the snapshots only {names:?} are left");
        expect_content(&*bench.open_to_read(location)?, &sample.content)
    };
    let conflict = [ErrorKind::Conflict];
    let refused = driver.remove(location, OURS);
    expect_error(refused, &conflict, "removing a disk that has a snapshot of somebody else")?;
    whole()?;
    let opened = bench.open(location, None, Access::Writable)?;
    let refused = driver.remove(location, "");
    expect_error(refused, &conflict, "removing a disk that is open for writing")?;
    opened.close()?;
    drop(opened);
    whole()?;
    driver.snapshot_delete(location, "theirs")?;
    Ok(driver.remove(location, OURS)?)
}
