//! A bounded queue between threads whose ends notice when the other is gone.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::Result;

/// How often a thread that waits looks whether it should go on waiting.
const TICK: Duration = Duration::from_millis(50);

pub(crate) struct Queue<T> {
    capacity: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// What came of waiting for an item.
pub(crate) enum Popped<T> {
    Item(T),
    Nothing,
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), closed: false };
        Self { capacity, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds an item once there is room; `check` may end the wait.
    pub(crate) fn push(&self, item: T, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut state = self.state.lock();
        while state.items.len() >= self.capacity {
            check()?;
            self.changed.wait_for(&mut state, TICK);
        }
        state.items.push_back(item);
        self.changed.notify_all();
        Ok(())
    }

    /// The next item, or word that there is none for a moment, or that none will come.
    pub(crate) fn pop(&self) -> Popped<T> {
        let mut state = self.state.lock();
        if state.items.is_empty() && !state.closed {
            self.changed.wait_for(&mut state, TICK);
        }
        match state.items.pop_front() {
            Some(item) => {
                self.changed.notify_all();
                Popped::Item(item)
            }
            None if state.closed => Popped::Closed,
            None => Popped::Nothing,
        }
    }

    /// Lets the other end finish what is queued and then stop.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }
}
