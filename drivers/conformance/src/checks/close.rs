use firn_driver_sdk::ErrorKind;

use crate::bench::{Bench, expect_content, expect_error, expect_range};
use crate::report::{Checked, Stop};

pub(super) fn twice(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("close-twice")?;
    let disk = bench.open_to_read(sample.location())?;
    disk.close()?;
    disk.close()?;
    drop(disk);
    let disk = bench.open_to_read(sample.location())?;
    expect_content(&*disk, &sample.content)?;
    Ok(disk.close()?)
}

pub(super) fn dropped(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("close-dropped")?;
    for _ in 0..20 {
        let disk = bench.open_to_read(sample.location())?;
        expect_range(&*disk, &sample.content, 0, 4096)?;
    }
    bench.fixture.remove_disk(&sample.disk)?;
    Ok(())
}

/// What was read is one point in time, or the close tells that it is not.
pub(super) fn changed(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("close-changed")?;
    let disk = bench.open_to_read(sample.location())?;
    expect_range(&*disk, &sample.content, 0, 4096)?;
    if !bench.fixture.guest_writes(&sample.disk, 8192, &[0x99; 512])? {
        disk.close()?;
        return Err(Stop::LeftOut);
    }
    expect_error(disk.close(), &[ErrorKind::Conflict], "close of a disk that changed")?;
    Ok(disk.close()?)
}
