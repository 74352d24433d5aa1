//! Where the answers to our calls arrive.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use lapin::options::BasicConsumeOptions;
use lapin::types::{FieldTable, ShortString};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::hub::broker;
use super::link::{Link, LinkError, short};
use super::message::Answer;
use super::queue::Queue;
use super::shared::Shared;
use crate::MessagingError;

/// How many calls wait at once at the most.
const WAITING: usize = 10_000;

/// The queue of answers of the present connection, made at the first call.
#[derive(Default)]
pub(super) struct Answers {
    /// Held while it is made.
    current: tokio::sync::Mutex<Option<Arc<AnswerQueue>>>,
    /// The same, for those who cannot wait.
    seen: Mutex<Option<Arc<AnswerQueue>>>,
}

/// A queue of answers and the calls that wait for them.
pub(super) struct AnswerQueue {
    /// Its name, for servers.
    pub(super) name: String,
    link: u64,
    calls: Mutex<Calls>,
    /// The queue is there as long as its channel.
    _channel: lapin::Channel,
}

#[derive(Default)]
struct Calls {
    /// No answer will come any more.
    over: bool,
    next: u64,
    waiting: HashMap<String, oneshot::Sender<Answer>>,
}

/// A call that waits. Dropping it lets a late answer fall.
pub(super) struct Waiting {
    queue: Arc<AnswerQueue>,
    pub(super) correlation: String,
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl Answers {
    /// The queue of answers, on a connection that is alive.
    pub(super) async fn queue(
        &self,
        shared: &Shared,
        deadline: Instant,
    ) -> Result<Arc<AnswerQueue>, MessagingError> {
        let link = shared.receiving.link(deadline).await?;
        let late = |_| broker(Arc::new(LinkError::Unconfirmed));
        let mut current = timeout_at(deadline, self.current.lock()).await.map_err(late)?;
        if let Some(queue) = &*current
            && queue.link == link.number
            && !queue.calls.lock().over
        {
            return Ok(Arc::clone(queue));
        }
        let opened =
            timeout_at(deadline, link.guard(AnswerQueue::open(&link))).await.map_err(late)?;
        let queue = opened.map_err(|error| {
            link.suspect();
            broker(Arc::new(error))
        })?;
        *self.seen.lock() = Some(Arc::clone(&queue));
        *current = Some(Arc::clone(&queue));
        // It may have been closed while the queue was made.
        if shared.open().is_err() {
            queue.end();
        }
        Ok(queue)
    }

    /// Lets every call go.
    pub(super) fn end(&self) {
        if let Some(queue) = self.seen.lock().take() {
            queue.end();
        }
    }
}

impl AnswerQueue {
    async fn open(link: &Arc<Link>) -> Result<Arc<Self>, LinkError> {
        let name = format!("reply.{}", Uuid::new_v4().simple());
        // It is exclusive: another connection could not declare it, and need not.
        Queue::of_answers(name.clone()).declare(link).await?;
        let channel = link.channel().await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consume = channel.basic_consume(
            short(&name)?,
            ShortString::default(),
            options,
            FieldTable::default(),
        );
        let mut stream = consume.await?;
        let (number, calls) = (link.number, Mutex::default());
        let queue = Arc::new(Self { name, link: number, calls, _channel: channel });
        let weak = Arc::downgrade(&queue);
        let link = Arc::clone(link);
        tokio::spawn(async move {
            loop {
                let came = tokio::select! {
                    came = stream.next() => came,
                    () = link.died() => None,
                };
                let Some(Ok(incoming)) = came else { break };
                let Some(queue) = weak.upgrade() else { return };
                let Some(correlation) = incoming.properties.correlation_id() else { continue };
                let waiting = queue.calls.lock().waiting.remove(correlation.as_str());
                // Nobody: it is late.
                let Some(waiting) = waiting else { continue };
                match serde_json::from_slice(&incoming.data) {
                    Ok(answer) => _ = waiting.send(answer),
                    Err(error) => tracing::warn!(%error, "an answer that is none"),
                }
            }
            if let Some(queue) = weak.upgrade() {
                queue.end();
            }
        });
        Ok(queue)
    }

    /// Begins to wait.
    pub(super) fn wait(self: &Arc<Self>) -> Result<Waiting, MessagingError> {
        let (sender, answer) = oneshot::channel();
        let mut calls = self.calls.lock();
        if calls.over {
            return Err(broker(Arc::new(LinkError::Missing)));
        }
        if calls.waiting.len() >= WAITING {
            return Err(MessagingError::Full { queue: self.name.clone() });
        }
        calls.next += 1;
        let correlation = calls.next.to_string();
        calls.waiting.insert(correlation.clone(), sender);
        Ok(Waiting { queue: Arc::clone(self), correlation, answer })
    }

    fn end(&self) {
        let mut calls = self.calls.lock();
        calls.over = true;
        calls.waiting.clear();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.calls.lock().waiting.remove(&self.correlation);
    }
}
