use std::thread;

use firn_driver_sdk::{ErrorKind, ReadRequest};

use crate::bench::{Bench, expect_content, expect_error, expect_range, read};
use crate::content::Random;
use crate::report::{Checked, Stop, ensure};

pub(super) fn everything(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-everything")?;
    let disk = bench.open_to_read(sample.location())?;
    expect_content(&*disk, &sample.content)?;
    expect_range(&*disk, &sample.content, 0, sample.content.bytes().len())?;
    Ok(disk.close()?)
}

pub(super) fn random(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-random")?;
    let disk = bench.open_to_read(sample.location())?;
    let size = sample.content.size_bytes();
    let mut random = Random(11);
    for _ in 0..200 {
        let offset = random.below(size);
        let length = random.below((size - offset).min(100_000) + 1);
        expect_range(&*disk, &sample.content, offset, length as usize)?;
    }
    for length in [1, 2, 511, 512, 513] {
        expect_range(&*disk, &sample.content, size - length, length as usize)?;
    }
    Ok(disk.close()?)
}

pub(super) fn vectored(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-vectored")?;
    let disk = bench.open_to_read(sample.location())?;
    let size = sample.content.size_bytes();
    let mut random = Random(12);
    let mut pieces: Vec<(u64, Vec<u8>)> = (0..64)
        .map(|_| {
            let offset = random.below(size);
            let length = random.below((size - offset).min(20_000) + 1);
            (offset, vec![0xa5; length as usize])
        })
        .collect();
    let mut requests: Vec<_> =
        pieces.iter_mut().map(|(offset, buffer)| ReadRequest { offset: *offset, buffer }).collect();
    disk.read(&mut requests)?;
    for (offset, buffer) in &pieces {
        if let Some(difference) = sample.content.first_difference(*offset, buffer) {
            return Err(Stop::Failed(difference));
        }
    }
    Ok(disk.close()?)
}

pub(super) fn nothing(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-nothing")?;
    let disk = bench.open_to_read(sample.location())?;
    disk.read(&mut [])?;
    for offset in [0, 1, sample.content.size_bytes() - 1, sample.content.size_bytes()] {
        ensure!(read(&*disk, offset, 0)?.is_empty(), "a read of nothing gives something");
    }
    Ok(disk.close()?)
}

pub(super) fn past_the_end(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-past-the-end")?;
    let disk = bench.open_to_read(sample.location())?;
    let size = sample.content.size_bytes();
    for (offset, length) in
        [(size, 1), (size - 1, 2), (size + 4096, 512), (u64::MAX, 1), (u64::MAX - 1, 4096)]
    {
        let doing = format!("reading {length} bytes at {offset} of {size}");
        expect_error(read(&*disk, offset, length), &[ErrorKind::InvalidInput], &doing)?;
    }
    let (mut good, mut bad) = ([0; 512], [0; 512]);
    let answer = disk.read(&mut [
        ReadRequest { offset: 0, buffer: &mut good },
        ReadRequest { offset: size, buffer: &mut bad },
    ]);
    expect_error(answer, &[ErrorKind::InvalidInput], "a read of which one piece is wrong")?;
    expect_content(&*disk, &sample.content)?;
    Ok(disk.close()?)
}

pub(super) fn concurrent(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("read-concurrent")?;
    let disk = bench.open_to_read(sample.location())?;
    let (disk_ref, content) = (&*disk, &sample.content);
    let size = content.size_bytes();
    let reader = |seed| {
        let mut random = Random(seed);
        for _ in 0..50 {
            let offset = random.below(size);
            let length = random.below((size - offset).min(150_000) + 1);
            expect_range(disk_ref, content, offset, length as usize)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..8).map(|seed| scope.spawn(move || reader(seed))).collect();
        readers.into_iter().try_for_each(|reader| {
            reader.join().unwrap_or_else(|_| Err(Stop::Failed("a read panicked".to_owned())))
        })
    })?;
    Ok(disk.close()?)
}
