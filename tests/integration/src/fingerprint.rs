use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const BLOCK_BYTES: usize = 1 << 20;

/// What a disk's content hashes to, MiB by MiB, so that a difference has a place.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    size_bytes: u64,
    blocks: Vec<blake3::Hash>,
}

impl Fingerprint {
    /// Of a raw file.
    pub fn of(path: &Path) -> Self {
        let mut file =
            File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut block = vec![0; BLOCK_BYTES];
        let mut print = Self { size_bytes: 0, blocks: Vec::new() };
        loop {
            let mut filled = 0;
            while filled < BLOCK_BYTES {
                match file.read(&mut block[filled..]).unwrap() {
                    0 => break,
                    read => filled += read,
                }
            }
            if filled == 0 {
                return print;
            }
            print.size_bytes += filled as u64;
            print.blocks.push(blake3::hash(&block[..filled]));
        }
    }

    /// Size of the disk.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// How `other` differs, in words; `None` where it is the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.size_bytes != other.size_bytes {
            return Some(format!("{} bytes, not {}", other.size_bytes, self.size_bytes));
        }
        let differing: Vec<_> = (0..self.blocks.len())
            .filter(|&block| self.blocks[block] != other.blocks[block])
            .collect();
        let first = differing.first()?;
        let (count, all) = (differing.len(), self.blocks.len());
        Some(format!("{count} of {all} MiB differ, the first at MiB {first}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in {} blocks", self.size_bytes, self.blocks.len())
    }
}
