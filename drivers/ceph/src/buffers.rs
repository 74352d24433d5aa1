use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Operations in flight on one disk, and so its buffers.
const MOST: usize = 16;

/// The buffers of one disk: they bound both its memory and its operations in flight.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lent: usize,
    free: Vec<Vec<u8>>,
}

/// One buffer; goes back when dropped, by whichever thread.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    owner: Arc<Buffers>,
}

impl Buffers {
    /// A free buffer, waited for up to `patience`.
    pub(crate) fn take(self: &Arc<Self>, patience: Duration) -> Option<Buffer> {
        let mut state = self.state.lock();
        if state.lent == MOST {
            self.returned.wait_for(&mut state, patience);
        }
        if state.lent == MOST {
            return None;
        }
        state.lent += 1;
        let bytes = state.free.pop().unwrap_or_default();
        Some(Buffer { bytes, owner: Arc::clone(self) })
    }
}

impl Buffer {
    /// Its first `length` bytes, which hold anything.
    pub(crate) fn first(&mut self, length: usize) -> &mut [u8] {
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
        &mut self.bytes[..length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut state = self.owner.state.lock();
        state.lent -= 1;
        state.free.push(std::mem::take(&mut self.bytes));
        self.owner.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_and_each_comes_back() {
        let buffers = Arc::new(Buffers::default());
        let mut taken: Vec<_> = std::iter::from_fn(|| buffers.take(Duration::ZERO)).collect();
        assert_eq!(taken.len(), MOST);
        taken[0].first(10).fill(7);
        assert_eq!(taken[0].first(4), [7; 4]);
        let back = taken.pop();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| buffers.take(Duration::from_secs(60)).is_some());
            drop(back);
            assert!(waiting.join().unwrap());
        });
    }
}
