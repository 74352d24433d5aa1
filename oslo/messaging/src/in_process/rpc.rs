use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::Shared;
use crate::{Envelope, MessagingError, RemoteError, Reply, Request, Server};

type Answer = Result<Envelope, RemoteError>;

/// What calls go to: the requests that wait, and whether anybody serves.
pub(super) struct Target {
    name: String,
    capacity: usize,
    waiting: Mutex<Waiting>,
    /// Something changed that a waiting server may care about.
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    servers: usize,
    calls: VecDeque<Waiter>,
    /// Calls in the hands of servers. Dropping one ends it.
    held: HashMap<u64, Held>,
    /// The next call's or server's number.
    next: u64,
}

impl Waiting {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

struct Held {
    server: u64,
    answer: oneshot::Sender<Answer>,
}

struct Waiter {
    envelope: Envelope,
    expires: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Target {
    pub(super) fn new(name: &str, capacity: usize) -> Self {
        Self { name: name.to_owned(), capacity, waiting: Mutex::default(), changed: Notify::new() }
    }

    pub(super) async fn call(
        &self,
        shared: &Shared,
        envelope: Envelope,
        deadline: Duration,
    ) -> Result<Envelope, MessagingError> {
        let target = || self.name.clone();
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            // Under the lock: `close` sets the flag first and then ends what waits here.
            if shared.closed() {
                return Err(MessagingError::Closed);
            }
            if waiting.servers == 0 {
                return Err(MessagingError::NoServer { target: target() });
            }
            waiting.calls.retain(|call| !call.answer.is_closed());
            if waiting.calls.len() >= self.capacity {
                return Err(MessagingError::Full { queue: target() });
            }
            let expires = Instant::now() + deadline;
            waiting.calls.push_back(Waiter { envelope, expires, answer });
        }
        self.changed.notify_waiters();
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(Ok(envelope))) => Ok(envelope),
            Ok(Ok(Err(source))) => Err(MessagingError::Remote { target: target(), source }),
            Ok(Err(_)) if shared.closed() => Err(MessagingError::Closed),
            Ok(Err(_)) => Err(MessagingError::Abandoned { target: target() }),
            Err(_) => Err(MessagingError::Deadline { target: target(), deadline }),
        }
    }

    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock();
        waiting.calls.clear();
        waiting.held.clear();
        drop(waiting);
        self.changed.notify_waiters();
    }
}

pub(super) struct TargetServer {
    shared: Arc<Shared>,
    target: Arc<Target>,
    number: u64,
    prefetch: usize,
}

impl TargetServer {
    pub(super) fn new(shared: Arc<Shared>, target: Arc<Target>, prefetch: u16) -> Self {
        let mut waiting = target.waiting.lock();
        waiting.servers += 1;
        let number = waiting.number();
        drop(waiting);
        Self { shared, target, number, prefetch: usize::from(prefetch.max(1)) }
    }

    fn take(&self) -> Option<Request> {
        let mut waiting = self.target.waiting.lock();
        let mine = waiting.held.values().filter(|held| held.server == self.number).count();
        if mine >= self.prefetch {
            return None;
        }
        let call = loop {
            let call = waiting.calls.pop_front()?;
            if !call.answer.is_closed() {
                break call;
            }
        };
        let number = waiting.number();
        waiting.held.insert(number, Held { server: self.number, answer: call.answer });
        let reply = OpenRequest { target: Arc::clone(&self.target), number };
        Some(Request::new(call.envelope, call.expires, Box::new(reply)))
    }
}

#[async_trait]
impl Server for TargetServer {
    async fn next(&mut self) -> Option<Request> {
        loop {
            // Listening begins before looking, so that no change falls in between.
            let changed = self.target.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.shared.closed() {
                return None;
            }
            if let Some(request) = self.take() {
                return Some(request);
            }
            changed.await;
        }
    }
}

impl Drop for TargetServer {
    fn drop(&mut self) {
        let mut waiting = self.target.waiting.lock();
        waiting.servers -= 1;
        if waiting.servers == 0 {
            // Nobody will take them: their callers need not wait for the deadline.
            waiting.calls.clear();
        }
    }
}

struct OpenRequest {
    target: Arc<Target>,
    number: u64,
}

#[async_trait]
impl Reply for OpenRequest {
    async fn send(self: Box<Self>, answer: Answer) -> Result<(), MessagingError> {
        let held = self.target.waiting.lock().held.remove(&self.number);
        if let Some(held) = held {
            // The caller may have stopped waiting.
            let _ = held.answer.send(answer);
        }
        Ok(())
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.target.waiting.lock().held.remove(&self.number);
        // The server's prefetch has room again.
        self.target.changed.notify_waiters();
    }
}
