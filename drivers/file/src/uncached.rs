use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use nix::errno::Errno;
use nix::fcntl::OFlag;

/// What every storage of today takes as the unit of a direct write.
const ALIGNMENT: usize = 4096;

thread_local! {
    /// A direct write's memory has to be aligned, and the caller's need not be.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A file that is written past the page cache. A restore writes each byte once and reads none
/// of it back: cached pages would cost more time than the copy that this needs, and would push
/// out what other programs have cached.
#[derive(Debug)]
pub(crate) struct UncachedFile(File);

impl UncachedFile {
    /// The same file again; `None` where its file system does not do this.
    pub(crate) fn open(file: &File) -> Option<Self> {
        let flags = (OFlag::O_DIRECT | OFlag::O_CLOEXEC).bits();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        OpenOptions::new().write(true).custom_flags(flags).open(path).ok().map(Self)
    }

    /// Writes all of `data`; `false`, with anything or nothing of it written, where it has to be
    /// written in the ordinary way instead.
    pub(crate) fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<bool> {
        if data.is_empty()
            || !data.len().is_multiple_of(ALIGNMENT)
            || !offset.is_multiple_of(ALIGNMENT as u64)
        {
            return Ok(false);
        }
        if data.as_ptr().align_offset(ALIGNMENT) == 0 {
            return self.write_aligned(data, offset);
        }
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.len() < data.len() + ALIGNMENT {
                buffer.resize(data.len() + ALIGNMENT, 0);
            }
            let start = buffer.as_ptr().align_offset(ALIGNMENT);
            let Some(aligned) = buffer.get_mut(start..start + data.len()) else {
                return Ok(false);
            };
            aligned.copy_from_slice(data);
            self.write_aligned(aligned, offset)
        })
    }

    fn write_aligned(&self, data: &[u8], offset: u64) -> io::Result<bool> {
        match self.0.write_all_at(data, offset) {
            Ok(()) => Ok(true),
            // A larger unit, or a part of the write that ended between units.
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_writes_arrive_and_others_are_left_to_the_caller() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = folder.path().join("disk");
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        let direct = UncachedFile::open(&file).expect("the source tree's file system can do it");
        let data: Vec<u8> = (0..(300 << 10) + 1).map(|at| (at % 251) as u8).collect();
        // From memory that is aligned by chance at most.
        for (from, at) in [(0, 0), (1, 512 << 10)] {
            let part = &data[from..from + (300 << 10)];
            assert!(direct.write_all_at(part, at).unwrap());
            let mut back = vec![0; part.len()];
            file.read_exact_at(&mut back, at).unwrap();
            assert_eq!(back, part);
        }
        assert!(!direct.write_all_at(&data[..100], 0).unwrap());
        assert!(!direct.write_all_at(&data[..4096], 100).unwrap());
        assert!(!direct.write_all_at(&[], 0).unwrap());
    }
}
