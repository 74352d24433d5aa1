use firn_driver_sdk::ErrorKind;

use crate::bench::{Bench, expect_error};
use crate::report::{Checked, ensure};

pub(super) fn own(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("probe-own")?;
    let size = sample.probe.size_bytes;
    ensure!(size == sample.content.size_bytes(), "the size is {size} bytes, which is wrong");
    ensure!(!sample.probe.storage.trim().is_empty(), "the storage has no name");
    ensure!(!sample.probe.in_use, "the disk counts as in use, and nobody uses it");
    let again = bench.probe(&sample.disk)?;
    ensure!(again == sample.probe, "a second probe answers {again:?}, not {:?}", sample.probe);
    let other = bench.sample("probe-another")?;
    ensure!(other.location() != sample.location(), "two disks have the same location");
    Ok(())
}

pub(super) fn foreign(bench: &Bench<'_>) -> Checked {
    let disks = bench.fixture.foreign_disks();
    ensure!(!disks.is_empty(), "the fixture names no foreign disk");
    for disk in disks {
        let answer = bench.driver.probe(&disk)?;
        ensure!(answer.is_none(), "the driver claims the foreign disk {disk:?} as {answer:?}");
    }
    Ok(())
}

pub(super) fn absent(bench: &Bench<'_>) -> Checked {
    let answer = bench.driver.probe(&bench.fixture.absent_disk());
    expect_error(answer, &[ErrorKind::NotFound], "probe of an absent disk")?;
    Ok(())
}
