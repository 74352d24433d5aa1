use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Shared;
use crate::{Consumer, Delivery, Envelope, MessagingError, Settle, dead_letters};

/// Messages in order, and those in the hands of consumers.
pub(super) struct Queue {
    name: String,
    capacity: usize,
    state: Mutex<State>,
    /// Something changed that a waiting consumer may care about.
    changed: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Message>,
    unsettled: HashMap<u64, Held>,
    /// The next delivery's or consumer's number.
    next: u64,
}

struct Message {
    envelope: Envelope,
    deliveries: u32,
}

struct Held {
    consumer: u64,
    message: Message,
}

impl Queue {
    pub(super) fn new(name: &str, capacity: usize) -> Self {
        Self { name: name.to_owned(), capacity, state: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn publish(&self, envelope: Envelope) -> Result<(), MessagingError> {
        let mut state = self.state.lock();
        if state.ready.len() >= self.capacity {
            return Err(MessagingError::Full { queue: self.name.clone() });
        }
        state.ready.push_back(Message { envelope, deliveries: 0 });
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Takes a refused message; where there is no room the oldest one gives way.
    fn bury(&self, message: Message) {
        let mut state = self.state.lock();
        if state.ready.len() >= self.capacity {
            state.ready.pop_front();
        }
        state.ready.push_back(Message { deliveries: 0, ..message });
        drop(state);
        self.changed.notify_waiters();
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        let held: Vec<u64> = state.unsettled.keys().copied().collect();
        state.give_back(held);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Takes a delivery out of a consumer's hands, if it is still there.
    fn settle(&self, tag: u64) -> Result<Message, MessagingError> {
        let held = self.state.lock().unsettled.remove(&tag);
        // The consumer's prefetch has room again.
        self.changed.notify_waiters();
        held.map(|held| held.message)
            .ok_or_else(|| MessagingError::Stale { queue: self.name.clone() })
    }

    fn requeue(&self, tag: u64) -> Result<(), MessagingError> {
        let mut state = self.state.lock();
        let known = state.unsettled.contains_key(&tag);
        state.give_back(vec![tag]);
        drop(state);
        self.changed.notify_waiters();
        if known { Ok(()) } else { Err(MessagingError::Stale { queue: self.name.clone() }) }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Puts deliveries back to the front, in the order in which they were handed out.
    fn give_back(&mut self, mut tags: Vec<u64>) {
        tags.sort_unstable_by(|a, b| b.cmp(a));
        for tag in tags {
            if let Some(held) = self.unsettled.remove(&tag) {
                self.ready.push_front(held.message);
            }
        }
    }

    fn held_by(&self, consumer: u64) -> Vec<u64> {
        let mine = self.unsettled.iter().filter(|(_, held)| held.consumer == consumer);
        mine.map(|(tag, _)| *tag).collect()
    }
}

pub(super) struct QueueConsumer {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    number: u64,
    prefetch: usize,
}

impl QueueConsumer {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<Queue>, prefetch: u16) -> Self {
        let number = queue.state.lock().number();
        Self { shared, queue, number, prefetch: usize::from(prefetch.max(1)) }
    }

    fn take(&self) -> Option<Delivery> {
        let mut state = self.queue.state.lock();
        if state.held_by(self.number).len() >= self.prefetch {
            return None;
        }
        let mut message = state.ready.pop_front()?;
        message.deliveries = message.deliveries.saturating_add(1);
        let (envelope, attempt) = (message.envelope.clone(), message.deliveries);
        let tag = state.number();
        state.unsettled.insert(tag, Held { consumer: self.number, message });
        let (shared, queue) = (Arc::clone(&self.shared), Arc::clone(&self.queue));
        let settle = Settlement { shared, queue, tag: Some(tag) };
        Some(Delivery::new(envelope, attempt, Box::new(settle)))
    }
}

#[async_trait]
impl Consumer for QueueConsumer {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            // Listening begins before looking, so that no change falls in between.
            let changed = self.queue.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.shared.closed() {
                return None;
            }
            if let Some(delivery) = self.take() {
                return Some(delivery);
            }
            changed.await;
        }
    }
}

impl Drop for QueueConsumer {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        let mine = state.held_by(self.number);
        state.give_back(mine);
        drop(state);
        self.queue.changed.notify_waiters();
    }
}

struct Settlement {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    /// `None` once settled.
    tag: Option<u64>,
}

#[async_trait]
impl Settle for Settlement {
    async fn ack(mut self: Box<Self>) -> Result<(), MessagingError> {
        let Some(tag) = self.tag.take() else { return Ok(()) };
        self.queue.settle(tag).map(drop)
    }

    async fn nack(mut self: Box<Self>, requeue: bool) -> Result<(), MessagingError> {
        let Some(tag) = self.tag.take() else { return Ok(()) };
        if requeue {
            return self.queue.requeue(tag);
        }
        let message = self.queue.settle(tag)?;
        // Dead letters that are refused again are what somebody looked at and threw away.
        let is_dead = self.queue.name.ends_with(&dead_letters(""));
        if !is_dead {
            self.shared.queue(&dead_letters(&self.queue.name)).bury(message);
        }
        Ok(())
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        if let Some(tag) = self.tag.take() {
            // Stale means that it is back in its queue already.
            let _ = self.queue.requeue(tag);
        }
    }
}
