//! Reads all allocated bytes of a snapshot, and what changed since another one, and tells how fast:
//! `cargo run --release -p firn-driver-ceph --example rbd_read_speed -- CONF USER POOL/IMAGE SNAPSHOT
//! [BASE]`.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use firn_driver_ceph::CephDriver;
use firn_driver_sdk::{
    Access, Config, Disk, DiskLocation, Driver, DriverError, DriverFactory, Extent, Host,
    OpenRequest, ReadRequest,
};

type AnyError = Box<dyn std::error::Error>;

/// As the repository reads: some threads, each some megabytes at a time.
const THREADS: usize = 2;
const STEP_BYTES: u64 = 16 << 20;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let ([conf, user, image, snapshot], base) = arguments
        .split_first_chunk::<4>()
        .ok_or("the arguments are CONF USER POOL/IMAGE SNAPSHOT [BASE]")?;
    let (pool, image) = image.split_once('/').ok_or("the third argument is POOL/IMAGE")?;
    let config = serde_json::json!({"clusters": [{"conf": conf, "user": user}]});
    let driver = CephDriver::create(&Config(config), Host::silent())?;
    let location = DiskLocation::Rbd {
        pool: pool.to_owned(),
        namespace: None,
        image: image.to_owned(),
        monitors: Vec::new(),
        user: None,
    };
    let location = driver.probe(&location)?.ok_or("not a disk of the ceph driver")?.location;
    let open = |snapshot: &str| {
        let (location, snapshot) = (location.clone(), Some(snapshot.to_owned()));
        driver.open(&OpenRequest { location, snapshot, access: Access::ReadOnly })
    };
    let disk = open(snapshot)?;
    if let [base, ..] = base {
        let token = open(base)?.change_token()?.ok_or("no token")?;
        let start = Instant::now();
        let changed = disk.extents_changed(&token)?;
        let (took, runs) = (start.elapsed(), changed.as_slice().len());
        println!("{} bytes in {runs} runs changed: told in {took:.1?}", changed.bytes());
    }
    let start = Instant::now();
    let allocated = disk.extents_allocated(Extent::new(0, disk.size_bytes()))?;
    println!("{} bytes allocated: told in {:.1?}", allocated.bytes(), start.elapsed());
    let mut steps = Vec::new();
    for run in allocated.as_slice() {
        let starts = (run.offset..run.end()).step_by(STEP_BYTES as usize);
        steps.extend(starts.map(|at| Extent::new(at, STEP_BYTES.min(run.end() - at))));
    }
    let start = Instant::now();
    read(&*disk, &steps)?;
    let seconds = start.elapsed().as_secs_f64();
    disk.close()?;
    let rate = allocated.bytes() as f64 / seconds / 1e9;
    println!("read in {seconds:.2} s, {rate:.2} GB/s");
    Ok(())
}

fn read(disk: &dyn Disk, steps: &[Extent]) -> Result<(), DriverError> {
    let next = AtomicUsize::new(0);
    let reader = || -> Result<(), DriverError> {
        let mut buffer = vec![0; STEP_BYTES as usize];
        while let Some(step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
            let buffer = &mut buffer[..step.length as usize];
            disk.read(&mut [ReadRequest { offset: step.offset, buffer }])?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..THREADS).map(|_| scope.spawn(reader)).collect();
        readers.into_iter().try_for_each(|reader| reader.join().expect("a reader's panic"))
    })
}
