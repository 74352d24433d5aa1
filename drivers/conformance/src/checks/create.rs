use firn_driver_sdk::{Access, ErrorKind};

use super::write::close_and_compare;
use crate::Content;
use crate::bench::{Bench, Sample, expect_content, expect_error};
use crate::content::Random;
use crate::report::{Checked, Stop, ensure};

pub(super) fn sparse_and_writable(bench: &Bench<'_>) -> Checked {
    if !bench.fixture.disk_capabilities().create {
        return Err(Stop::LeftOut);
    }
    let new = bench.fixture.new_disk("create-new")?;
    let size_bytes = bench.size_bytes();
    let disk = bench.open(&new.location, None, Access::Create { size_bytes })?;
    let mut content = Content::zero(size_bytes);
    expect_content(&*disk, &content)?;
    let data = Random(16).bytes(100_000);
    for offset in [0, 3 << 20, size_bytes - 100_000] {
        disk.write(offset, &data)?;
        content.write(offset, &data);
    }
    expect_content(&*disk, &content)?;
    disk.flush()?;
    disk.close()?;
    drop(disk);
    let probe = bench.probe(&new.disk)?;
    ensure!(probe.size_bytes == size_bytes, "the new disk has {} bytes", probe.size_bytes);
    let sample = Sample { disk: new.disk, probe, content };
    let disk = bench.open(sample.location(), None, Access::Writable)?;
    close_and_compare(bench, disk, &sample)
}

/// What is there is neither opened nor changed.
pub(super) fn what_exists(bench: &Bench<'_>) -> Checked {
    if !bench.fixture.disk_capabilities().create {
        return Err(Stop::LeftOut);
    }
    let sample = bench.sample("create-existing")?;
    let before = bench.fixture.fingerprint(&sample.disk)?;
    for size_bytes in [bench.size_bytes(), 1 << 20] {
        let opened = bench.open(sample.location(), None, Access::Create { size_bytes });
        expect_error(opened, &[ErrorKind::Conflict], "creating a disk that exists")?;
    }
    let after = bench.fixture.fingerprint(&sample.disk)?;
    ensure!(before == after, "a refused create changed the disk that was there");
    Ok(())
}
