//! Measures the engine on an image file, or on one that it makes:
//! `cargo run --release -p firn-repository --example bench -- FOLDER [IMAGE] [--chunk KIB]...
//! [--threads N]`
//!
//! FOLDER is for the repositories, which are removed again. Without IMAGE, a sparse image of
//! 8 GiB is made, half of it allocated: text-like, binary-like and incompressible data. Each
//! chunk size gets one line.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use firn_core::{
    BackupMode, Consistency, DiskId, DiskKind, Extent, ExtentList, InstanceId, PointId, ProjectId,
};
use firn_repository::{
    ChunkSize, Control, CreateOptions, DiskPlan, DiskRecord, MasterKey, NewPoint, OpenOptions,
    PointRecord, Repository, RestoreOptions, Sink, SinkError, Source, SourceError, Storage,
    VerifyScope,
};

struct Image(File);

impl Source for Image {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.0.read_exact_at(buffer, offset).map_err(|error| {
            SourceError::caused(firn_core::ErrorKind::Unavailable, "reading the image", error)
        })
    }
}

/// What a restore costs but for its target.
struct Nowhere;

impl Sink for Nowhere {
    fn write_at(&self, _offset: u64, _data: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Sink for Image {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), SinkError> {
        self.0.write_all_at(data, offset).map_err(|error| {
            SinkError::caused(firn_core::ErrorKind::Unavailable, "writing the image", error)
        })
    }
}

/// Allocated ranges, by the file system's blocks.
fn allocated(file: &File, size: u64) -> ExtentList {
    use std::os::fd::AsRawFd;
    let seek = |offset: u64, whence| {
        // SAFETY: plain system call on an open file.
        #[allow(unsafe_code)]
        let found = unsafe { libc::lseek(file.as_raw_fd(), offset as i64, whence) };
        u64::try_from(found).ok()
    };
    let mut extents = ExtentList::new();
    let mut at = 0;
    while let Some(start) = seek(at, libc::SEEK_DATA) {
        at = seek(start, libc::SEEK_HOLE).unwrap_or(size);
        extents.push(Extent::new(start, at - start));
    }
    extents
}

fn make_image(path: &Path) {
    let size = 8u64 << 30;
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    let words: Vec<Vec<u8>> = (0..4096u32)
        .map(|word| {
            let hash = blake3::hash(&word.to_le_bytes());
            hash.as_bytes()[..3 + (word % 9) as usize].to_vec()
        })
        .collect();
    let block = 1 << 20;
    for number in 0..size / block as u64 {
        if number % 2 == 1 || number % 64 < 2 {
            continue;
        }
        let mut bytes = vec![0; block];
        let mut random = blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof();
        if number % 8 == 0 {
            random.fill(&mut bytes);
        } else {
            let mut choice = vec![0; block / 2];
            random.fill(&mut choice);
            let mut at = 0;
            for pick in choice.chunks_exact(2) {
                let mut word = usize::from(u16::from_le_bytes([pick[0], pick[1]]));
                word = if number % 3 == 0 { word % 4096 } else { word % 256 };
                let word = &words[word];
                if at + word.len() > block {
                    break;
                }
                bytes[at..at + word.len()].copy_from_slice(word);
                at += word.len();
            }
        }
        file.write_all_at(&bytes, number * block as u64).unwrap();
    }
}

fn point(repository: &Repository, image: &Image, plan: &DiskPlan) -> (PointRecord, String) {
    let start = Clock::start();
    let session = repository.begin(uuid::Uuid::new_v4(), "bench").unwrap();
    let disk = session.backup_disk(image, plan, &Control::none()).unwrap();
    let record = session
        .commit(NewPoint {
            id: PointId::new(),
            project_id: ProjectId::standalone(),
            instance_id: InstanceId::new(),
            instance_name: "bench".to_owned(),
            created_at: chrono::Utc::now(),
            mode: BackupMode::Full,
            consistency: Consistency::Crash,
            parent: None,
            disks: vec![DiskRecord {
                id: DiskId::new(),
                device: "vda".to_owned(),
                kind: DiskKind::Root,
                size_bytes: disk.size_bytes,
                root: disk.root,
                change_token: None,
                stats: disk.stats,
                attributes: serde_json::Value::Null,
            }],
            identity: serde_json::Value::Null,
        })
        .unwrap();
    (record, start.stop())
}

/// Processor seconds of this process so far: user, system.
fn processor() -> (f64, f64) {
    // SAFETY: all zeros is a valid value of this plain structure, which the call then fills.
    #[allow(unsafe_code)]
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime), seconds(usage.ru_stime))
}

/// Wall, user and system seconds since.
struct Clock(Instant, (f64, f64));

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), processor())
    }

    fn stop(self) -> String {
        let (user, system) = processor();
        let wall = self.0.elapsed().as_secs_f64();
        format!("{wall:>6.2} s ({:.1}u+{:.1}s)", user - self.1.0, system - self.1.1)
    }
}

fn peak_mib() -> u64 {
    let mut text = String::new();
    File::open("/proc/self/status").unwrap().read_to_string(&mut text).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

fn same(a: &File, b: &File, size: u64) -> bool {
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    (0..size.div_ceil(1 << 20)).all(|block| {
        let length = (size - (block << 20)).min(1 << 20) as usize;
        a.read_exact_at(&mut left[..length], block << 20).unwrap();
        b.read_exact_at(&mut right[..length], block << 20).unwrap();
        left[..length] == right[..length]
    })
}

fn measure(folder: &Path, image: &Image, chunk_kib: u32, threads: usize) {
    let size = image.0.metadata().unwrap().len();
    let place = folder.join(format!("repository-{chunk_kib}"));
    let storage = Storage::local(&place).unwrap();
    let key = MasterKey::generate().unwrap();
    let chunk_bytes = ChunkSize::new(chunk_kib << 10).unwrap();
    Repository::create(storage.clone(), &key, CreateOptions { chunk_bytes }).unwrap();
    let repository = Repository::open(storage, &key, OpenOptions::default()).unwrap();

    let extents = allocated(&image.0, size);
    let plan = DiskPlan { threads, ..DiskPlan::full(size, extents.clone()) };
    let options = RestoreOptions { threads, ..RestoreOptions::default() };
    let (first, full) = point(&repository, image, &plan);
    let memory = peak_mib();
    let (_, again) = point(&repository, image, &plan);

    // A hundredth changed, in 64 KiB pieces all over the disk.
    let changed: ExtentList = (0..size / (6400 << 10))
        .map(|piece| Extent::new(piece * (6400 << 10), 64 << 10))
        .collect::<ExtentList>()
        .intersection(&extents);
    let base = first.disks[0].root.clone();
    let incremental = DiskPlan::incremental(size, changed, ExtentList::new(), base);
    let (_, incremental) = point(&repository, image, &incremental);

    let target = folder.join("restored");
    let sink = Image(
        File::options().read(true).write(true).create(true).truncate(true).open(&target).unwrap(),
    );
    sink.0.set_len(size).unwrap();
    let start = Clock::start();
    repository.restore_disk(&first.disks[0], "bench", &sink, options, &Control::none()).unwrap();
    let restore = start.stop();
    let start = Clock::start();
    repository.restore_disk(&first.disks[0], "bench", &Nowhere, options, &Control::none()).unwrap();
    let decode = start.stop();
    assert!(same(&image.0, &sink.0, size), "the restored disk differs");
    fs::remove_file(&target).unwrap();

    let start = Clock::start();
    let report = repository.verify(&VerifyScope::default(), &Control::none()).unwrap();
    let verify = start.stop();
    assert!(report.is_clean(), "{report:?}");

    let reader = repository.open_disk(&first.disks[0], "bench").unwrap();
    let mut page = [0; 4096];
    let start = Instant::now();
    for read in 0..500u64 {
        let offset = read.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (size / 4096) * 4096;
        reader.read_at(offset, &mut page).unwrap();
    }
    let random = start.elapsed().as_secs_f64() * 1e6 / 500.0;

    let usage = repository.usage().unwrap();
    println!(
        "{chunk_kib:>5} KiB  full {full}  unchanged {again}  1 % changed {incremental}  restore {restore}  to nowhere {decode}  verify {verify}  4 KiB read {random:>7.0} us  stored {:>6} MiB  unique {:>6} MiB  peak {memory} MiB (all {} MiB)",
        usage.stored_bytes >> 20,
        usage.unique_bytes >> 20,
        peak_mib(),
    );
    fs::remove_dir_all(&place).unwrap();
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder for the repositories"));
    let (mut image, mut chunks, mut threads) = (None, Vec::new(), 0);
    while let Some(argument) = arguments.next() {
        if argument == "--chunk" {
            chunks.push(arguments.next().and_then(|kib| kib.parse().ok()).expect("KiB"));
        } else if argument == "--threads" {
            threads = arguments.next().and_then(|count| count.parse().ok()).expect("a number");
        } else {
            image = Some(PathBuf::from(argument));
        }
    }
    fs::create_dir_all(&folder).unwrap();
    let image = image.unwrap_or_else(|| {
        let path = folder.join("image.raw");
        if !path.exists() {
            make_image(&path);
        }
        path
    });
    let image = Image(File::open(image).unwrap());
    if chunks.is_empty() {
        chunks.push(firn_repository::ChunkSize::default().bytes() >> 10);
    }
    for chunk in chunks {
        measure(&folder, &image, chunk, threads);
    }
}
