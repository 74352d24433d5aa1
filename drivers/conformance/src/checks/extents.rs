use firn_driver_sdk::{Extent, ExtentList};

use crate::bench::Bench;
use crate::content::Random;
use crate::report::{Checked, ensure};

/// Every byte that is not zero is in an extent.
pub(super) fn cover_data(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("extents-cover")?;
    let disk = bench.open_to_read(sample.location())?;
    let size = sample.content.size_bytes();
    let found = disk.extents_allocated(Extent::new(0, size))?;
    let missed = sample.content.data(1).difference(&found);
    ensure!(missed.is_empty(), "data lies outside of the extents: {:?}", missed.as_slice());
    ensure!(
        ExtentList::whole(size).contains_all(&found),
        "extents lie outside of the disk: {:?}",
        found.as_slice()
    );
    Ok(disk.close()?)
}

/// A range is answered for itself; what passes the end is cut.
pub(super) fn of_a_range(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("extents-range")?;
    let disk = bench.open_to_read(sample.location())?;
    let size = sample.content.size_bytes();
    let data = sample.content.data(1);
    let mut random = Random(13);
    let mut ranges: Vec<_> = (0..50)
        .map(|_| {
            let offset = random.below(size);
            Extent::new(offset, random.below(size - offset) + 1)
        })
        .collect();
    ranges.extend([
        Extent::new(0, 1),
        Extent::new(size - 1, 1),
        Extent::new(size - 1, 4096),
        Extent::new(0, u64::MAX),
    ]);
    for range in ranges {
        let asked: ExtentList = [range].into_iter().collect();
        let inside = asked.intersection(&ExtentList::whole(size));
        let found = disk.extents_allocated(range)?;
        let missed = data.intersection(&inside).difference(&found);
        ensure!(missed.is_empty(), "of {range:?} data is missed: {:?}", missed.as_slice());
        ensure!(inside.contains_all(&found), "{range:?} is answered by {:?}", found.as_slice());
    }
    for range in [Extent::new(0, 0), Extent::new(size, 1), Extent::new(size + 4096, 4096)] {
        let found = disk.extents_allocated(range)?;
        ensure!(found.is_empty(), "{range:?} is answered by {:?}", found.as_slice());
    }
    Ok(disk.close()?)
}
