//! Disks made by QEMU's own tools, and the driver opened on them.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use firn_driver_file::FileDriver;
use firn_driver_sdk::{
    Access, BackingFile, Config, Disk, DiskLocation, Driver, DriverError, DriverFactory, Extent,
    ExtentList, Host, ImageFormat, OpenRequest, Probe, ReadRequest,
};
use serde_json::json;

pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;

pub(crate) fn command(program: &str) -> Command {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    assert!(found, "{program} is not installed: run `make deps`");
    Command::new(program)
}

/// Runs a tool to its end and gives what it wrote.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = command(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Writes into an image as a VM would: `write -P 7 1M 64k`.
pub(crate) fn io(image: &Path, commands: &[&str]) {
    let mut arguments = vec!["-f", if is_qcow2(image) { "qcow2" } else { "raw" }];
    for command in commands {
        arguments.extend(["-c", command]);
    }
    arguments.push(text(image));
    let said = run("qemu-io", &arguments);
    assert!(!said.contains("failed"), "{said}");
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn is_qcow2(image: &Path) -> bool {
    let mut magic = [0; 4];
    fs::File::open(image).unwrap().read_exact(&mut magic).is_ok() && magic == *b"QFI\xfb"
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A driver whose sockets are made in a folder of the test's own.
pub(crate) fn driver(runtime: &Path) -> FileDriver {
    driver_with(json!({"runtime_dir": runtime}))
}

pub(crate) fn driver_with(config: serde_json::Value) -> FileDriver {
    FileDriver::create(&Config(config), Host::silent()).unwrap()
}

pub(crate) fn file(path: &Path, format: ImageFormat) -> DiskLocation {
    DiskLocation::File { path: path.to_owned(), format, backing: Vec::new() }
}

pub(crate) fn qcow2(path: &Path) -> DiskLocation {
    file(path, ImageFormat::Qcow2)
}

pub(crate) fn raw(path: &Path) -> DiskLocation {
    file(path, ImageFormat::Raw)
}

pub(crate) fn qcow2_on(path: &Path, backing: &[(&Path, ImageFormat)]) -> DiskLocation {
    let backing = backing
        .iter()
        .map(|(path, format)| BackingFile { path: path.to_path_buf(), format: *format })
        .collect();
    DiskLocation::File { path: path.to_owned(), format: ImageFormat::Qcow2, backing }
}

pub(crate) fn probe(driver: &FileDriver, location: &DiskLocation) -> Result<Probe, DriverError> {
    driver.probe(location).map(|probe| probe.expect("mine"))
}

/// Probes and opens for reading.
pub(crate) fn open(
    driver: &FileDriver,
    location: &DiskLocation,
) -> Result<Box<dyn Disk>, DriverError> {
    open_as(driver, location, Access::ReadOnly)
}

pub(crate) fn open_as(
    driver: &FileDriver,
    location: &DiskLocation,
    access: Access,
) -> Result<Box<dyn Disk>, DriverError> {
    let location = match access {
        Access::Create { .. } => firn_driver_sdk::Location::from_typed(location)?,
        _ => probe(driver, location)?.location,
    };
    driver.open(&OpenRequest { location, snapshot: None, access })
}

pub(crate) fn read(disk: &dyn Disk, offset: u64, length: usize) -> Vec<u8> {
    let mut buffer = vec![0xee; length];
    disk.read(&mut [ReadRequest { offset, buffer: &mut buffer }]).unwrap();
    buffer
}

/// The whole disk by a vectored read of uneven pieces.
pub(crate) fn read_all(disk: &dyn Disk) -> Vec<u8> {
    let mut content = vec![0xee; disk.size_bytes() as usize];
    let mut requests = Vec::new();
    let (mut rest, mut offset, mut length) = (&mut content[..], 0, 1_000_003);
    while !rest.is_empty() {
        let (buffer, after) = rest.split_at_mut(length.min(rest.len()));
        let read = buffer.len() as u64;
        requests.push(ReadRequest { offset, buffer });
        rest = after;
        offset += read;
        length = length * 3 % 4_000_037;
    }
    disk.read(&mut requests).unwrap();
    content
}

/// What QEMU itself says is in the image.
pub(crate) fn content_by_qemu(image: &Path) -> Vec<u8> {
    let out = image.with_extension("expected");
    run("qemu-img", &["convert", "-f", "qcow2", "-O", "raw", text(image), text(&out)]);
    let content = fs::read(&out).unwrap();
    fs::remove_file(out).unwrap();
    content
}

/// Compares without printing megabytes.
pub(crate) fn assert_same(found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len());
    if let Some(at) = found.iter().zip(expected).position(|(a, b)| a != b) {
        panic!("byte {at} is {} instead of {}", found[at], expected[at]);
    }
}

pub(crate) fn allocated(disk: &dyn Disk) -> ExtentList {
    disk.extents_allocated(Extent::new(0, disk.size_bytes())).unwrap()
}

/// Every byte outside the list is zero.
pub(crate) fn assert_zero_outside(content: &[u8], data: &ExtentList) {
    for hole in data.complement(content.len() as u64).as_slice() {
        let hole_bytes = &content[hole.offset as usize..hole.end() as usize];
        assert!(hole_bytes.iter().all(|byte| *byte == 0), "data in {hole:?}");
    }
}

/// What must be the same after a disk was read: content, size, times of change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trace(Vec<(PathBuf, Vec<u8>, [i64; 5])>);

pub(crate) fn trace(files: &[&Path]) -> Trace {
    let one = |path: &&Path| {
        let m = fs::metadata(path).unwrap();
        let times = [m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec(), m.size() as i64];
        (path.to_path_buf(), fs::read(path).unwrap(), times)
    };
    Trace(files.iter().map(one).collect())
}

/// Bytes that do not repeat at any cluster size and do not compress to nothing.
pub(crate) fn pattern(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The `qemu-nbd` processes that are children of `parent`.
pub(crate) fn nbd_children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((head, tail)) = stat.rsplit_once(')') else { return false };
        let ours = tail.split_whitespace().nth(1) == Some(&parent.to_string());
        ours && head.ends_with("(qemu-nbd")
    })
    .collect()
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(15), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A child that is killed with the test.
pub(crate) struct Guard(pub(crate) Child);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A machine that has the disk open as a running VM has it.
pub(crate) fn running_vm(image: &Path, read_only: bool) -> Guard {
    let format = if is_qcow2(image) { "qcow2" } else { "raw" };
    let drive = format!(
        "driver={format},node-name=disk,read-only={},file.driver=file,file.filename={}",
        if read_only { "on" } else { "off" },
        text(image)
    );
    let mut child = command("qemu-system-x86_64")
        .args(["-machine", "pc,accel=tcg", "-nodefaults", "-display", "none", "-S"])
        .args(["-blockdev", &drive, "-device", "virtio-blk-pci,drive=disk", "-qmp", "stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Commands are answered when every device has its drive.
    child.stdin.as_mut().unwrap().write_all(b"{\"execute\": \"qmp_capabilities\"}\n").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("return")));
    Guard(child)
}
