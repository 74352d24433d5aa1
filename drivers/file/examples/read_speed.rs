//! Reads all allocated bytes of a disk and tells how fast:
//! `cargo run --release -p firn-driver-file --example read_speed -- raw|qcow2 FILE [THREADS [KIB]]`.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use firn_driver_file::FileDriver;
use firn_driver_sdk::{
    Access, Config, DiskLocation, Driver, DriverFactory, Extent, Host, ImageFormat, OpenRequest,
    ReadRequest,
};

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args().skip(1);
    let format = match arguments.next().as_deref() {
        Some("raw") => ImageFormat::Raw,
        Some("qcow2") => ImageFormat::Qcow2,
        _ => return Err("the first argument is raw or qcow2".into()),
    };
    let path = std::path::absolute(arguments.next().ok_or("the second argument is a file")?)?;
    let threads: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let step: u64 = arguments.next().map_or(Ok(4096), |text| text.parse::<u64>())? << 10;

    let driver = FileDriver::create(&Config::default(), Host::silent())?;
    let location = DiskLocation::File { path, format, backing: Vec::new() };
    let probe = driver.probe(&location)?.ok_or("not a disk of the file driver")?;
    let request =
        OpenRequest { location: probe.location, snapshot: None, access: Access::ReadOnly };
    let start = Instant::now();
    let disk = driver.open(&request)?;
    let opened = start.elapsed();
    let allocated = disk.extents_allocated(Extent::new(0, disk.size_bytes()))?;
    let asked = start.elapsed();
    let mut steps = Vec::new();
    for run in allocated.as_slice() {
        let starts = (run.offset..run.end()).step_by(step as usize);
        steps.extend(starts.map(|at| Extent::new(at, step.min(run.end() - at))));
    }
    let next = AtomicUsize::new(0);
    let read = || -> Result<(), firn_driver_sdk::DriverError> {
        let mut buffer = vec![0; step as usize];
        while let Some(step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
            let buffer = &mut buffer[..step.length as usize];
            disk.read(&mut [ReadRequest { offset: step.offset, buffer }])?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(read)).collect();
        readers.into_iter().try_for_each(|reader| reader.join().expect("a reader's panic"))
    })?;
    let seconds = (start.elapsed() - asked).as_secs_f64();
    disk.close()?;
    println!(
        "{} bytes in {} runs: open {opened:.0?}, extents {:.0?}, read {seconds:.2} s, {:.2} GB/s",
        allocated.bytes(),
        allocated.as_slice().len(),
        asked - opened,
        allocated.bytes() as f64 / seconds / 1e9
    );
    Ok(())
}
