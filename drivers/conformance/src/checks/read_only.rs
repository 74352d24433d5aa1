use firn_driver_sdk::{ErrorKind, Extent};

use crate::bench::{Bench, expect_content, expect_error};
use crate::report::{Checked, ensure};

pub(super) fn refuses_writes(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-only-refuses")?;
    let before = bench.fixture.fingerprint(&sample.disk)?;
    let disk = bench.open_to_read(sample.location())?;
    let size = sample.content.size_bytes();
    let forbidden = [ErrorKind::Forbidden];
    for offset in [0, 65_536, size - 1] {
        expect_error(disk.write(offset, &[0x5a]), &forbidden, "write to a read-only disk")?;
    }
    for extent in [Extent::new(0, 4096), Extent::new(0, size), Extent::new(size - 1, 1)] {
        expect_error(disk.zero(extent), &forbidden, "zero of a read-only disk")?;
    }
    disk.flush()?;
    expect_content(&*disk, &sample.content)?;
    disk.close()?;
    drop(disk);
    let after = bench.fixture.fingerprint(&sample.disk)?;
    ensure!(before == after, "the medium changed under a read-only disk");
    Ok(())
}

/// Nothing that a backup does leaves a trace.
pub(super) fn leaves_the_medium_alone(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-only-alone")?;
    let before = bench.fixture.fingerprint(&sample.disk)?;
    for _ in 0..2 {
        bench.probe(&sample.disk)?;
        let disk = bench.open_to_read(sample.location())?;
        disk.extents_allocated(Extent::new(0, disk.size_bytes()))?;
        let token = disk.change_token()?;
        if let Some(token) = token {
            // Whether it can be told does not matter here.
            let _ = disk.extents_changed(&token);
        }
        expect_content(&*disk, &sample.content)?;
        disk.flush()?;
        disk.close()?;
    }
    let after = bench.fixture.fingerprint(&sample.disk)?;
    ensure!(before == after, "probing, opening and reading changed the medium");
    Ok(())
}
