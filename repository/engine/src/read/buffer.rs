/// Storage that is written without a cache in between wants its memory aligned.
const ALIGNMENT: usize = 4096;

/// Bytes that begin at a page, so that a sink may hand them to storage as they are.
pub(super) struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    pub(super) fn new(capacity: usize) -> Self {
        let memory = vec![0; capacity + ALIGNMENT];
        // The memory never moves, so neither does its first aligned byte.
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self { memory, start, length: 0 }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    /// How many more bytes fit.
    pub(super) fn room(&self) -> usize {
        self.memory.len() - ALIGNMENT - self.length
    }

    /// Appends what fits in [`AlignedBuffer::room`].
    pub(super) fn extend(&mut self, data: &[u8]) {
        let end = self.start + self.length;
        self.memory[end..end + data.len()].copy_from_slice(data);
        self.length += data.len();
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_aligned() {
        let mut buffer = AlignedBuffer::new(10_000);
        for round in 0..3 {
            assert_eq!(buffer.room(), 10_000);
            buffer.extend(&[round; 9_000]);
            buffer.extend(&[round + 1; 1_000]);
            assert_eq!(buffer.room(), 0);
            assert_eq!(buffer.as_slice().as_ptr().align_offset(ALIGNMENT), 0);
            assert_eq!(buffer.as_slice(), [vec![round; 9_000], vec![round + 1; 1_000]].concat());
            buffer.clear();
            assert!(buffer.as_slice().is_empty());
        }
    }
}
