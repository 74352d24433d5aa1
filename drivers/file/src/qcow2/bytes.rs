use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Qcow2Error;

/// Something that bytes are read from by offset: a file, or memory in tests.
pub(crate) trait ReadAt {
    /// Fills `buffer` from `offset` on, or fails.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = start.checked_add(buffer.len()).and_then(|end| self.get(start..end));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Reads `length` bytes; the caller has checked `length` against a limit.
pub(super) fn read(
    source: &(impl ReadAt + ?Sized),
    what: &'static str,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, Qcow2Error> {
    let mut buffer = vec![0; length];
    source.read_at(offset, &mut buffer).map_err(|source| Qcow2Error::Read { what, source })?;
    Ok(buffer)
}

/// A cursor over big-endian fields that cannot pass its end.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn damaged(&self) -> Qcow2Error {
        Qcow2Error::Damaged { what: self.what }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Qcow2Error> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(head)
    }

    /// Skips up to the next multiple of eight of `length`, as far as there is something.
    pub(super) fn pad(&mut self, length: usize) {
        let padding = (length.next_multiple_of(8) - length).min(self.rest.len());
        self.rest = &self.rest[padding..];
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Qcow2Error> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.damaged())
    }

    pub(super) fn u8(&mut self) -> Result<u8, Qcow2Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Qcow2Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Qcow2Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Qcow2Error> {
        self.array().map(u64::from_be_bytes)
    }
}
