use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Write};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use serde::Serialize;

/// A piece is at most that long, but for a single part of it that is longer.
const PIECE_BYTES: usize = 32 << 10;

/// A body in JSON. A long one is never in one buffer: each piece is given back once it is sent.
pub(crate) fn json(value: &impl Serialize) -> Result<Pieces, serde_json::Error> {
    let mut pieces = Pieces::default();
    serde_json::to_writer(&mut pieces, value)?;
    Ok(pieces)
}

/// JSON in pieces.
#[derive(Default)]
pub(crate) struct Pieces {
    whole: VecDeque<Bytes>,
    last: Vec<u8>,
    bytes: u64,
}

impl Pieces {
    /// What is sent.
    pub(crate) fn into_body(mut self) -> BoxBody {
        if self.whole.is_empty() {
            return BoxBody::new(self.last);
        }
        self.end(Vec::new());
        BoxBody::new(self)
    }

    /// Adds a part: a word, or a row of a list.
    pub(super) fn push(&mut self, part: &[u8]) {
        // It never grows past a piece, which would double what it takes.
        if self.last.len() + part.len() > PIECE_BYTES && !self.last.is_empty() {
            self.end(Vec::with_capacity(PIECE_BYTES));
        }
        self.last.extend_from_slice(part);
    }

    /// Ends a piece; `next` is where the next one goes.
    fn end(&mut self, next: Vec<u8>) {
        let piece = mem::replace(&mut self.last, next);
        self.bytes += piece.len() as u64;
        self.whole.push_back(piece.into());
    }
}

impl Write for Pieces {
    #[inline]
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.write_all(part).map(|()| part.len())
    }

    #[inline]
    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        self.push(part);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.whole.pop_front().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn pieces_are_the_whole() {
        for count in [0, 1, 100, 10_000] {
            let value: Vec<_> = (0..count).map(|at| format!("row \"{at}\"")).collect();
            let mut pieces = Pieces::default();
            serde_json::to_writer(&mut pieces, &value).unwrap();
            pieces.end(Vec::new());
            let longest = pieces.whole.iter().map(Bytes::len).max().unwrap();
            assert!(longest <= PIECE_BYTES, "{longest}");
            let whole = serde_json::to_vec(&value).unwrap();
            assert!(matches!(pieces.size(), BodySize::Sized(size) if size == whole.len() as u64));
            assert_eq!(to_bytes(pieces).await.unwrap(), whole);
            assert_eq!(to_bytes(json(&value).unwrap().into_body()).await.unwrap(), whole);
        }
    }
}
