//! The bytes of a segment: mapped where they are a large file of this host, else in memory.
#![allow(unsafe_code)] // Mapping a file is unsafe: its content may change under the program.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Advice, Mmap};

pub(super) enum Data {
    Memory(Vec<u8>),
    Mapped(Mmap),
}

impl Data {
    /// Maps a file. It must be an object of a repository or a copy in our cache: those are
    /// never written to once they have their name.
    pub(super) fn map(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the file is a write-once object: Firn never writes to it or truncates it after
        // it got its name, and deleting it leaves the mapping valid. Somebody else who changes
        // it makes reads give other bytes (which the block checksums tell) or, by truncating it,
        // ends this worker process with SIGBUS; neither breaks a promise of the language that
        // code of ours relies on, for the bytes are only ever read as plain `u8`.
        let map = unsafe { Mmap::map(&file)? };
        map.advise(Advice::Random)?;
        Ok(Self::Mapped(map))
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}
