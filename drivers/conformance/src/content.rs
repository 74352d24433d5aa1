use firn_driver_sdk::{Extent, ExtentList};

/// What a disk holds: zero, but for some pieces. The oracle of every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    bytes: Vec<u8>,
}

impl Content {
    /// A disk of zeroes.
    pub fn zero(size_bytes: u64) -> Self {
        Self { bytes: vec![0; usize::try_from(size_bytes).unwrap_or(usize::MAX)] }
    }

    /// A disk with data at its start and end, across block borders, and in small and large pieces
    /// with holes between them. The same `seed` gives the same content.
    pub fn sample(seed: u64, size_bytes: u64) -> Self {
        let mut content = Self::zero(size_bytes);
        let mut random = Random(seed);
        for (offset, length) in [
            (0, 4096),
            (65_536 + 123, 77),
            (131_072 - 512, 1024),
            (1 << 20, 300_000),
            ((2 << 20) + 4096, 4096),
            (size_bytes.saturating_sub(512), 512),
        ] {
            let data = random.bytes(length);
            content.write(offset, &data);
        }
        content
    }

    /// Size in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a range inside the disk.
    pub fn range(&self, offset: u64, length: usize) -> &[u8] {
        let offset = offset as usize;
        &self.bytes[offset..offset + length]
    }

    /// Writes `data`; what would pass the end is left out.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(data.len()).min(self.bytes.len());
        self.bytes[start..end].copy_from_slice(&data[..end - start]);
    }

    /// The runs of blocks that hold anything but zero, for a fixture that writes sparsely.
    pub fn data(&self, block_bytes: usize) -> ExtentList {
        self.bytes
            .chunks(block_bytes)
            .enumerate()
            .filter(|(_, block)| block.iter().any(|byte| *byte != 0))
            .map(|(at, block)| Extent::new((at * block_bytes) as u64, block.len() as u64))
            .collect()
    }

    /// The single bytes in which two contents of one size differ.
    pub(crate) fn difference(&self, other: &Self) -> ExtentList {
        let differs =
            |(at, (a, b)): (usize, (&u8, &u8))| (a != b).then(|| Extent::new(at as u64, 1));
        self.bytes.iter().zip(&other.bytes).enumerate().filter_map(differs).collect()
    }

    /// Where `read`, found at `offset`, is not this content: for a readable failure.
    pub(crate) fn first_difference(&self, offset: u64, read: &[u8]) -> Option<String> {
        let expected = self.range(offset, read.len());
        let at = expected.iter().zip(read).position(|(a, b)| a != b)?;
        Some(format!(
            "byte {} is {:#04x} and should be {:#04x}",
            offset + at as u64,
            read[at],
            expected[at]
        ))
    }
}

/// Reproducible numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// `length` bytes, none of them zero, so that every one is data.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.next() % 255 + 1) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_data_at_both_ends_and_holes_between() {
        let content = Content::sample(1, (4 << 20) + 512);
        let data = content.data(512);
        assert_eq!(data.as_slice().first().unwrap().offset, 0);
        assert_eq!(data.as_slice().last().unwrap().end(), content.size_bytes());
        assert!(data.bytes() < content.size_bytes() / 4);
        assert_eq!(content, Content::sample(1, content.size_bytes()));
    }

    #[test]
    fn a_difference_is_named() {
        let mut content = Content::zero(1024);
        content.write(1000, &[7; 100]);
        assert_eq!(content.first_difference(0, &[0; 1000]), None);
        let told = content.first_difference(990, &[0; 20]).unwrap();
        assert_eq!(told, "byte 1000 is 0x00 and should be 0x07");
        let changed = content.difference(&Content::zero(1024));
        assert_eq!(changed.as_slice(), [Extent::new(1000, 24)]);
    }
}
