use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use firn_driver_sdk::{DriverError, Extent, ReadRequest};

use crate::aio::{self, Action, Done};
use crate::buffers::Buffers;
use crate::control::{Control, TICK};
use crate::errno::failed;
use crate::image::Image;

/// One operation reads or writes at most so much, inside one object of the usual size.
const PIECE_BYTES: u64 = 4 << 20;
/// One operation zeroes at most so much: some objects.
const ZERO_BYTES: u64 = 256 << 20;

/// Many operations on one image, several in flight.
pub(crate) struct Transfer<'a> {
    image: &'a Image,
    buffers: &'a Arc<Buffers>,
    control: &'a Control,
    action: Action,
    answers: (Sender<Done>, Receiver<Done>),
    waiting_for: usize,
    last_answer: Instant,
}

impl<'a> Transfer<'a> {
    pub(crate) fn new(
        image: &'a Image,
        buffers: &'a Arc<Buffers>,
        control: &'a Control,
        action: Action,
    ) -> Self {
        let (answers, waiting_for) = (mpsc::channel(), 0);
        let last_answer = Instant::now();
        Self { image, buffers, control, action, answers, waiting_for, last_answer }
    }

    /// Fills every buffer; the requests lie within the image.
    ///
    /// # Errors
    /// Of the first operation that fails.
    pub(crate) fn read(mut self, requests: &mut [ReadRequest<'_>]) -> Result<(), DriverError> {
        let mut pieces = Vec::new();
        for request in requests {
            let mut rest = &mut *request.buffer;
            for piece in split(Extent::new(request.offset, rest.len() as u64), PIECE_BYTES) {
                let (part, behind) = rest.split_at_mut(piece.length as usize);
                pieces.push((piece, part));
                rest = behind;
            }
        }
        let places: Vec<_> = pieces.iter().map(|(piece, _)| *piece).collect();
        self.run(&places, |_, _| {}, |index, read| pieces[index].1.copy_from_slice(read))
    }

    /// Writes all of `data`, which lies within the image.
    ///
    /// # Errors
    /// Of the first operation that fails.
    pub(crate) fn write(mut self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        let pieces = split(Extent::new(offset, data.len() as u64), PIECE_BYTES);
        let fill = |piece: &Extent, buffer: &mut [u8]| {
            let start = (piece.offset - offset) as usize;
            buffer.copy_from_slice(&data[start..start + buffer.len()]);
        };
        self.run(&pieces, fill, |_, _| {})
    }

    /// Zeroes `extent`, which lies within the image.
    ///
    /// # Errors
    /// Of the first operation that fails.
    pub(crate) fn zero(mut self, extent: Extent) -> Result<(), DriverError> {
        self.run(&split(extent, ZERO_BYTES), |_, _| {}, |_, _| {})
    }

    /// # Errors
    /// Of the flush.
    pub(crate) fn flush(mut self) -> Result<(), DriverError> {
        self.run(&[Extent::new(0, 0)], |_, _| {}, |_, _| {})
    }

    /// One operation for each place. Where it fails, those in flight end by themselves.
    fn run(
        &mut self,
        places: &[Extent],
        fill: impl Fn(&Extent, &mut [u8]),
        mut take: impl FnMut(usize, &[u8]),
    ) -> Result<(), DriverError> {
        let mut begun = 0;
        while begun < places.len() || self.waiting_for > 0 {
            self.control.check_since(self.last_answer)?;
            if let Some(place) = places.get(begun)
                && self.begin(begun, place, &fill)?
            {
                begun += 1;
                continue;
            }
            let Some(mut done) = self.wait() else { continue };
            let place = &places[done.index];
            self.check(place, done.result)?;
            if self.action == Action::Read {
                take(done.index, done.buffer.first(place.length as usize));
            }
        }
        self.control.check()
    }

    /// Starts an operation, if there is a buffer for it.
    fn begin(
        &mut self,
        index: usize,
        place: &Extent,
        fill: impl Fn(&Extent, &mut [u8]),
    ) -> Result<bool, DriverError> {
        // Where others have all buffers there is nothing else to wait for.
        let patience = if self.waiting_for > 0 { Duration::ZERO } else { TICK };
        let Some(mut buffer) = self.buffers.take(patience) else { return Ok(false) };
        let length = place.length as usize;
        if self.action == Action::Write {
            fill(place, buffer.first(length));
        }
        let (action, answers) = (self.action, &self.answers.0);
        aio::start(self.image, action, (place.offset, length), index, buffer, answers)?;
        self.waiting_for += 1;
        Ok(true)
    }

    fn wait(&mut self) -> Option<Done> {
        if self.waiting_for == 0 {
            return None;
        }
        let done = self.answers.1.recv_timeout(TICK).ok()?;
        self.waiting_for -= 1;
        self.last_answer = Instant::now();
        Some(done)
    }

    fn check(&self, place: &Extent, result: isize) -> Result<(), DriverError> {
        let doing = || {
            let doing = match self.action {
                Action::Read => "read",
                Action::Write => "write",
                Action::Zero => "zero",
                Action::Flush => return format!("flush {}", self.image.label()),
            };
            let Extent { offset, length } = place;
            format!("{doing} {length} bytes at offset {offset} of {}", self.image.label())
        };
        if result < 0 {
            return Err(failed(i32::try_from(-result).unwrap_or(i32::MAX), doing()));
        }
        if self.action == Action::Read && result as u64 != place.length {
            let message = format!("cannot {}: the image became shorter meanwhile", doing());
            return Err(DriverError::conflict(message));
        }
        Ok(())
    }
}

/// Cuts an extent at the multiples of `step`.
fn split(extent: Extent, step: u64) -> Vec<Extent> {
    let mut pieces = Vec::new();
    let mut at = extent.offset;
    while at < extent.end() {
        let end = (at - at % step).saturating_add(step).min(extent.end());
        pieces.push(Extent::new(at, end - at));
        at = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_extent_and_cross_no_object() {
        assert_eq!(split(Extent::new(5, 0), 4), []);
        let pieces = split(Extent::new(3, 10), 4);
        assert_eq!(pieces, [(3, 1), (4, 4), (8, 4), (12, 1)].map(|(o, l)| Extent::new(o, l)));
        let end = split(Extent::new(u64::MAX - 3, 3), 4);
        assert_eq!(end, [Extent::new(u64::MAX - 3, 3)]);
    }
}
