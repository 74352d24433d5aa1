use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// That many long pages are in the making at once, until their JSON is written: enough to keep
/// the database and the processors busy, and a bound to the memory that clients can make the
/// service take.
const LONG_PAGES: usize = 2;
/// Pages that read up to that many rows do not wait.
const SHORT_ROWS: u32 = 128;

/// Long pages wait for each other.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

/// That it is one's turn, until it is dropped: by whoever makes the page, as a client that goes
/// away does not stop that.
type Turn = Option<OwnedSemaphorePermit>;

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LONG_PAGES)))
    }

    /// Waits until a page of that many rows may be made.
    pub(crate) async fn take(&self, rows: u32) -> Turn {
        if rows <= SHORT_ROWS {
            return None;
        }
        // It is never closed.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn long_pages_wait_and_short_ones_do_not() {
        let turns = Turns::new();
        let mut taken = Vec::new();
        for _ in 0..LONG_PAGES {
            taken.push(turns.take(SHORT_ROWS + 1).now_or_never().unwrap());
        }
        assert!(turns.take(SHORT_ROWS + 1).now_or_never().is_none());
        assert!(turns.take(SHORT_ROWS).now_or_never().is_some());
        taken.pop();
        assert!(turns.take(1000).now_or_never().is_some());
    }
}
