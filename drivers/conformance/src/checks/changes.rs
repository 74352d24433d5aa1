use firn_driver_sdk::{Disk, ErrorKind, ExtentList};

use crate::Content;
use crate::bench::{Bench, expect_content, expect_error};
use crate::content::Random;
use crate::report::{Checked, Stop, ensure};

const CANNOT_TELL: [ErrorKind; 3] =
    [ErrorKind::Unsupported, ErrorKind::NotFound, ErrorKind::Conflict];

fn token(disk: &dyn Disk) -> Checked<String> {
    disk.change_token()?
        .ok_or_else(|| Stop::Failed("a tracked disk gives no change token".to_owned()))
}

/// Whatever differs from the content that a token names is in the extents changed since.
pub(super) fn superset(bench: &Bench<'_>) -> Checked {
    if !bench.fixture.disk_capabilities().changed_blocks {
        return Err(Stop::LeftOut);
    }
    let mut content = Content::sample(17, bench.size_bytes());
    let place = bench.fixture.make_tracked_disk("changes-tracked", &content)?;
    let size = content.size_bytes();
    let mut random = Random(17);
    // Of every round: the token, and the content that it names.
    let mut history: Vec<(String, Content)> = Vec::new();
    for round in 0..4 {
        let probe = bench.probe(&place)?;
        ensure!(probe.changed_blocks, "a tracked disk is probed as untracked");
        let disk = bench.open_to_read(&probe.location)?;
        expect_content(&*disk, &content)?;
        // Only the newest base must be known; of older ones the driver may say that it cannot tell.
        for (age, (token, base)) in history.iter().rev().enumerate() {
            let changed = match disk.extents_changed(token) {
                Ok(changed) => changed,
                Err(error) if age > 0 => {
                    expect_error(Err::<(), _>(error), &CANNOT_TELL, "asking for an old base")?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let missed = content.difference(base).difference(&changed);
            ensure!(missed.is_empty(), "round {round}: missed {:?}", missed.as_slice());
            ensure!(ExtentList::whole(size).contains_all(&changed), "extents pass the end");
            ensure!(
                changed.bytes() < size,
                "round {round}: a little changed and everything is named"
            );
        }
        history.push((token(&*disk)?, content.clone()));
        disk.close()?;
        drop(disk);
        for _ in 0..3 {
            let offset = random.below(size - 5000) / 512 * 512;
            let sectors = 1 + random.below(8) as usize;
            let data = random.bytes(512 * sectors);
            ensure!(
                bench.fixture.guest_writes(&place, offset, &data)?,
                "the medium keeps the guest out of a disk that nobody has open"
            );
            content.write(offset, &data);
        }
        bench.fixture.settle(&place)?;
    }
    Ok(())
}

/// A token that names nothing is no reason to read too little.
pub(super) fn unknown_token(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("changes-unknown")?;
    let disk = bench.open_to_read(sample.location())?;
    let long = "x".repeat(100_000);
    let mut kinds = CANNOT_TELL.to_vec();
    kinds.push(ErrorKind::InvalidInput);
    for token in ["", "nonsense", "0", "{}", "\u{0}\u{ffff}", &long] {
        let doing = format!("extents_changed from {:.20?}", token);
        expect_error(disk.extents_changed(token), &kinds, &doing)?;
    }
    Ok(disk.close()?)
}
