use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use firn_driver_sdk::{Disk, DriverError, Extent};

use crate::bench::{Bench, expect_content, read};
use crate::report::{Checked, Stop, describe, ensure};

/// What "within seconds" means.
const DEADLINE: Duration = Duration::from_secs(5);

/// Reads until the driver refuses, in threads that a driver which hangs cannot hold us with.
pub(super) fn running(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("cancel-running")?;
    let disk = bench.open_to_read(sample.location())?;
    let (ended, ends) = mpsc::channel();
    for _ in 0..3 {
        let (disk, ended) = (Arc::clone(&disk), ended.clone());
        thread::spawn(move || {
            let error = loop {
                if let Err(error) = read(&*disk, 0, 1 << 20) {
                    break error;
                }
            };
            // Nobody listens where the check has failed already.
            let _ = ended.send(error);
        });
    }
    thread::sleep(Duration::from_millis(50));
    ensure!(ends.try_recv().is_err(), "reads end before they are cancelled");
    disk.cancel();
    for _ in 0..3 {
        let error = ends.recv_timeout(DEADLINE).map_err(|_| {
            Stop::Failed(format!("a read goes on {DEADLINE:?} after it was cancelled"))
        })?;
        ensure!(error.is_cancelled(), "a cancelled read fails as {}", describe(&error));
    }
    disk.close()?;
    // The cancel was this disk's alone.
    let disk = bench.open_to_read(sample.location())?;
    expect_content(&*disk, &sample.content)?;
    Ok(disk.close()?)
}

fn expect_cancelled<T>(result: Result<T, DriverError>, doing: &str) -> Checked {
    match result {
        Err(error) if error.is_cancelled() => Ok(()),
        Err(error) => Err(Stop::Failed(format!("after a cancel, {doing}: {}", describe(&error)))),
        Ok(_) => Err(Stop::Failed(format!("after a cancel, {doing} succeeds"))),
    }
}

pub(super) fn later(bench: &Bench<'_>) -> Checked {
    let sample = bench.sample("cancel-later")?;
    let disk: Arc<dyn Disk> = bench.open_to_read(sample.location())?;
    disk.cancel();
    disk.cancel();
    expect_cancelled(read(&*disk, 0, 512), "read")?;
    expect_cancelled(disk.extents_allocated(Extent::new(0, 4096)), "extents_allocated")?;
    expect_cancelled(read(&*disk, 0, 512), "read once more")?;
    disk.close()?;
    disk.cancel();
    Ok(())
}
