use std::sync::Arc;
use std::thread;

use firn_driver_sdk::{Access, Disk, ErrorKind, Extent};

use crate::bench::{Bench, Sample, expect_content, expect_error};
use crate::content::Random;
use crate::report::{Checked, Stop, ensure};

/// A sample, opened to be written.
pub(super) fn writable(bench: &Bench<'_>, name: &str) -> Checked<(Sample, Arc<dyn Disk>)> {
    if !bench.fixture.disk_capabilities().write {
        return Err(Stop::LeftOut);
    }
    let sample = bench.sample(name)?;
    let disk = bench.open(sample.location(), None, Access::Writable)?;
    Ok((sample, disk))
}

/// Closes, and compares what the medium and a new open say with the sample.
pub(super) fn close_and_compare(
    bench: &Bench<'_>,
    disk: Arc<dyn Disk>,
    sample: &Sample,
) -> Checked {
    disk.flush()?;
    disk.close()?;
    drop(disk);
    let stored = bench.fixture.read_disk(&sample.disk)?;
    ensure!(
        stored.len() == sample.content.bytes().len(),
        "the medium holds {} bytes and should {}",
        stored.len(),
        sample.content.size_bytes()
    );
    if let Some(difference) = sample.content.first_difference(0, &stored) {
        return Err(Stop::Failed(format!("in the medium: {difference}")));
    }
    let disk = bench.open_to_read(sample.location())?;
    expect_content(&*disk, &sample.content)?;
    Ok(disk.close()?)
}

pub(super) fn survives_reopening(bench: &Bench<'_>) -> Checked {
    let (mut sample, disk) = writable(bench, "write-reopen")?;
    let size = sample.content.size_bytes();
    let mut random = Random(14);
    for _ in 0..40 {
        let offset = random.below(size);
        let length = random.below((size - offset).min(70_000) + 1);
        let data = random.bytes(length as usize);
        disk.write(offset, &data)?;
        sample.content.write(offset, &data);
    }
    for offset in [0, size - 1] {
        disk.write(offset, &[0x42])?;
        sample.content.write(offset, &[0x42]);
    }
    disk.write(size, &[])?;
    expect_content(&*disk, &sample.content)?;
    close_and_compare(bench, disk, &sample)
}

pub(super) fn zero(bench: &Bench<'_>) -> Checked {
    let (mut sample, disk) = writable(bench, "write-zero")?;
    let size = sample.content.size_bytes();
    for extent in [
        Extent::new(1, 4000),
        Extent::new((1 << 20) + 777, 100_000),
        Extent::new(size - 1, 1),
        Extent::new(500, 0),
        Extent::new((2 << 20) - 4096, 65_536),
    ] {
        disk.zero(extent)?;
        sample.content.write(extent.offset, &vec![0; extent.length as usize]);
    }
    expect_content(&*disk, &sample.content)?;
    close_and_compare(bench, disk, &sample)
}

pub(super) fn past_the_end(bench: &Bench<'_>) -> Checked {
    let (sample, disk) = writable(bench, "write-past-the-end")?;
    let size = sample.content.size_bytes();
    let invalid = [ErrorKind::InvalidInput];
    for (offset, length) in [(size, 1), (size - 1, 2), (u64::MAX, 1), (size - 512, 4096)] {
        let doing = format!("writing {length} bytes at {offset} of {size}");
        expect_error(disk.write(offset, &vec![0x77; length]), &invalid, &doing)?;
        let doing = format!("zeroing {length} bytes at {offset} of {size}");
        // An extent ends at `u64::MAX` at the latest, where it may be empty.
        let extent = Extent::new(offset, length as u64);
        if extent.length > 0 {
            expect_error(disk.zero(extent), &invalid, &doing)?;
        }
    }
    close_and_compare(bench, disk, &sample)
}

/// A restore writes from many threads.
pub(super) fn concurrent(bench: &Bench<'_>) -> Checked {
    let (mut sample, disk) = writable(bench, "write-concurrent")?;
    let share = sample.content.size_bytes() / 4;
    let mut random = Random(15);
    let parts: Vec<_> = (0..4)
        .map(|part| (part * share, random.bytes(usize::try_from(share).unwrap_or(0))))
        .collect();
    let disk_ref = &*disk;
    let writer = |(offset, data): &(u64, Vec<u8>)| {
        let pieces = data.chunks(50_000).enumerate();
        for (at, piece) in pieces {
            disk_ref.write(offset + (at * 50_000) as u64, piece)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let writers: Vec<_> = parts.iter().map(|part| scope.spawn(move || writer(part))).collect();
        writers.into_iter().try_for_each(|writer| {
            writer.join().unwrap_or_else(|_| Err(Stop::Failed("a write panicked".to_owned())))
        })
    })?;
    for (offset, data) in &parts {
        sample.content.write(*offset, data);
    }
    close_and_compare(bench, disk, &sample)
}
