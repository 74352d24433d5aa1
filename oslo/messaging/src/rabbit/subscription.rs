//! Receiving from a queue, over as many connections as it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery as Incoming;
use lapin::options::{BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Acker, Channel};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::hub::{broker, chain};
use super::link::{Link, LinkError, short};
use super::queue::Queue;
use super::shared::Shared;
use crate::MessagingError;

/// Wait before a queue is tried again that could not be received from.
const AGAIN: Duration = Duration::from_millis(500);
/// How long putting things back may take.
const GIVE_BACK: Duration = Duration::from_secs(5);

/// Receives from a queue and comes back when the connection does.
pub(super) struct Subscriber {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Arc<Queue>,
    prefetch: u16,
    state: State,
}

enum State {
    Live(Subscription),
    Joining(JoinHandle<Option<Subscription>>),
    Over,
}

/// One channel that receives.
struct Subscription {
    stream: lapin::Consumer,
    tag: ShortString,
    life: Arc<Life>,
}

/// The time in which what a channel delivered can be settled.
pub(super) struct Life {
    /// Everything that was unsettled goes back, or has gone.
    ended: AtomicBool,
    channel: Channel,
    link: Arc<Link>,
    /// Deliveries that were dropped. They go back when the next one is asked for: until then the
    /// broker would only deliver them here again, unseen, and count it.
    dropped: Mutex<Vec<Acker>>,
    one_dropped: Notify,
}

impl Life {
    /// Tells the broker what becomes of a delivery; `false` where that is of no use any more.
    pub(super) async fn settle(
        &self,
        settle: impl Future<Output = Result<bool, lapin::Error>>,
    ) -> Result<bool, LinkError> {
        match self.goes_on() {
            true => self.link.guard(async { Ok(settle.await?) }).await,
            false => Ok(false),
        }
    }

    /// Lets a delivery go back.
    pub(super) fn dropped(&self, acker: Acker) {
        self.dropped.lock().push(acker);
        self.one_dropped.notify_one();
    }

    fn give_back_dropped(self: &Arc<Self>, runtime: &Handle) {
        let dropped = std::mem::take(&mut *self.dropped.lock());
        if dropped.is_empty() {
            return;
        }
        let life = Arc::clone(self);
        runtime.spawn(async move {
            for acker in dropped {
                let back = BasicNackOptions { multiple: false, requeue: true };
                // If it fails the channel is gone, and everything of it is back.
                let _ = life.settle(acker.nack(back)).await;
            }
        });
    }

    /// Whether a delivery of this channel can still be settled.
    pub(super) fn goes_on(&self) -> bool {
        !self.ended.load(Ordering::SeqCst) && self.channel.status().connected()
    }
}

impl Subscriber {
    /// Begins to receive; at most `prefetch` deliveries are unsettled.
    pub(super) async fn start(
        shared: Arc<Shared>,
        queue: Queue,
        prefetch: u16,
    ) -> Result<Self, MessagingError> {
        let (queue, prefetch) = (Arc::new(queue), prefetch.max(1));
        let deadline = Instant::now() + shared.options.publish_timeout;
        let subscription = loop {
            match join(&shared, &queue, prefetch, deadline).await {
                Err(MessagingError::Broker { .. }) if Instant::now() + AGAIN < deadline => {
                    tokio::time::sleep(AGAIN).await;
                }
                joined => break joined?,
            }
        };
        Ok(Self { shared, queue, prefetch, state: State::Live(subscription) })
    }

    /// The next delivery; `None` when the transport is closed. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<(Incoming, Arc<Life>)> {
        let shared = Arc::clone(&self.shared);
        loop {
            let lost = match &mut self.state {
                State::Over => return None,
                State::Live(subscription) => {
                    let life = &subscription.life;
                    life.give_back_dropped(&shared.runtime);
                    let came = tokio::select! {
                        biased;
                        () = shared.closed() => return None,
                        () = life.one_dropped.notified() => continue,
                        came = subscription.stream.next() => came,
                        () = life.link.died() => None,
                    };
                    match came {
                        // What lies in a dead channel's stream comes again over the next one.
                        Some(Ok(incoming)) if subscription.life.goes_on() => {
                            return Some((incoming, Arc::clone(&subscription.life)));
                        }
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => Some(error),
                        None => None,
                    }
                }
                State::Joining(joining) => {
                    let joined = tokio::select! {
                        biased;
                        () = shared.closed() => return None,
                        joined = joining => joined,
                    };
                    self.state = match joined {
                        Ok(Some(subscription)) => State::Live(subscription),
                        _ => State::Over,
                    };
                    continue;
                }
            };
            let cause = lost.map(|error| chain(&error));
            tracing::warn!(queue = self.queue.name, cause, "receiving was interrupted");
            let rejoining = rejoin(shared.clone(), Arc::clone(&self.queue), self.prefetch);
            if let State::Live(subscription) =
                std::mem::replace(&mut self.state, State::Joining(tokio::spawn(rejoining)))
            {
                subscription.life.ended.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Ends it and puts everything back that is unsettled.
    pub(super) fn end(&mut self) {
        let Some(subscription) = self.take() else { return };
        let life = Arc::clone(&subscription.life);
        life.ended.store(true, Ordering::SeqCst);
        let ending = self.shared.endings.begin();
        self.shared.runtime.spawn(async move {
            let channel = &life.channel;
            let give_back = async {
                channel.basic_cancel(subscription.tag.clone(), Default::default()).await?;
                // All at once, so that the order stays.
                let all = BasicNackOptions { multiple: true, requeue: true };
                channel.basic_nack(0, all).await?;
                channel.close(200, "OK".into()).await
            };
            // If it fails the channel is gone, and that puts everything back as well.
            let _ = timeout(GIVE_BACK, give_back).await;
            drop(subscription);
            drop(ending);
        });
    }

    /// Takes no more; what was handed out can still be settled.
    pub(super) fn stop(&mut self) {
        let Some(mut subscription) = self.take() else { return };
        self.shared.runtime.spawn(async move {
            let channel = &subscription.life.channel;
            let stop = async {
                channel.basic_cancel(subscription.tag.clone(), Default::default()).await.ok()?;
                let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                while let Some(Ok(waiting)) = subscription.stream.next().await {
                    waiting.nack(back).await.ok()?;
                }
                Some(())
            };
            let _ = timeout(GIVE_BACK, stop).await;
        });
    }

    fn take(&mut self) -> Option<Subscription> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Live(subscription) => Some(subscription),
            State::Joining(joining) => {
                joining.abort();
                None
            }
            State::Over => None,
        }
    }
}

/// Tries until it succeeds or the transport is closed.
async fn rejoin(shared: Arc<Shared>, queue: Arc<Queue>, prefetch: u16) -> Option<Subscription> {
    loop {
        let deadline = Instant::now() + Duration::from_secs(60);
        match join(&shared, &queue, prefetch, deadline).await {
            Ok(subscription) => {
                tracing::info!(queue = queue.name, "receiving again");
                return Some(subscription);
            }
            Err(MessagingError::Closed) => return None,
            Err(error) => {
                tracing::warn!(queue = queue.name, error = chain(&error), "cannot receive yet");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn join(
    shared: &Arc<Shared>,
    queue: &Queue,
    prefetch: u16,
    deadline: Instant,
) -> Result<Subscription, MessagingError> {
    // What was put back on this side is in its place first.
    let _ = timeout_at(deadline, shared.endings.settled()).await;
    let link = shared.receiving.link(deadline).await?;
    let join = async {
        queue.declare(&link).await?;
        let channel = link.channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let stream = channel
            .basic_consume(
                short(&queue.name)?,
                ShortString::default(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await;
        if stream.is_err() {
            // It may have been deleted since it was declared.
            link.forget_declared(&queue.name);
        }
        let stream = stream?;
        let life = Life {
            ended: AtomicBool::new(false),
            channel,
            link: Arc::clone(&link),
            dropped: Mutex::default(),
            one_dropped: Notify::new(),
        };
        Ok(Subscription { tag: stream.tag(), stream, life: Arc::new(life) })
    };
    match timeout_at(deadline, link.guard(join)).await {
        Ok(joined) => joined.map_err(|error: LinkError| {
            link.suspect();
            broker(Arc::new(error))
        }),
        Err(_) => Err(broker(Arc::new(LinkError::Unconfirmed))),
    }
}
