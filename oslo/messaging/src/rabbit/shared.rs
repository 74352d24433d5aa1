//! What all users of one transport share.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, timeout_at};

use super::RabbitOptions;
use super::answers::Answers;
use super::hub::{Hub, broker};
use super::link::{Fate, LinkError, Turn};
use super::queue::Queue;
use crate::MessagingError;

/// Wait before a message is sent again that a broken connection may have swallowed.
const AGAIN: Duration = Duration::from_millis(100);

/// Waits after a message was refused.
const REFUSALS: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::ZERO];

/// Two connections: a broker that is short of memory stops listening to those who publish, and
/// acknowledgements have to get through just then.
pub(super) struct Shared {
    pub(super) options: Arc<RabbitOptions>,
    pub(super) runtime: Handle,
    pub(super) sending: Hub,
    pub(super) receiving: Hub,
    pub(super) endings: Endings,
    pub(super) answers: Answers,
    closed: watch::Sender<bool>,
}

/// What becomes of a message whose fate is not certain because a connection broke.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is sent again: two are better than none.
    Repeat,
    /// It fails: none is better than two.
    Fail,
}

/// A message on its way.
pub(super) struct Parcel<'a> {
    /// `""` for the exchange that knows every queue by its name.
    pub(super) exchange: &'a str,
    pub(super) key: &'a str,
    /// Declared before the message is sent.
    pub(super) queue: Option<&'a Queue>,
    /// Whether it must reach a queue.
    pub(super) mandatory: bool,
    pub(super) properties: lapin::BasicProperties,
    pub(super) body: &'a [u8],
}

impl Shared {
    pub(super) fn start(options: RabbitOptions) -> Self {
        let options = Arc::new(options);
        let declaring = Turn::default();
        let hub = |purpose| Hub::start(Arc::clone(&options), purpose, Turn::clone(&declaring));
        Self {
            runtime: Handle::current(),
            sending: hub("sending"),
            receiving: hub("receiving"),
            endings: Endings::default(),
            answers: Answers::default(),
            closed: watch::Sender::new(false),
            options,
        }
    }

    /// When a message sent now must have arrived.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.options.publish_timeout
    }

    pub(super) fn open(&self) -> Result<(), MessagingError> {
        if *self.closed.borrow() { Err(MessagingError::Closed) } else { Ok(()) }
    }

    /// Ends when the transport is closed.
    pub(super) async fn closed(&self) {
        // The sender is ours: this cannot fail.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    pub(super) async fn close(&self) {
        self.closed.send_replace(true);
        self.answers.end();
        tokio::join!(self.sending.close(), self.receiving.close());
    }

    /// Sends a message that must end in a queue. A refusal is believed when it is repeated: a quorum
    /// queue refuses also while it is being made, and one that was deleted behind our back is
    /// made again.
    pub(super) async fn deliver(
        &self,
        parcel: &Parcel<'_>,
        deadline: Instant,
    ) -> Result<(), MessagingError> {
        let queue = || parcel.key.to_owned();
        let mut error = MessagingError::Full { queue: queue() };
        for wait in REFUSALS {
            match self.send(parcel, Doubt::Repeat, deadline).await? {
                Fate::Taken => return Ok(()),
                Fate::Refused => error = MessagingError::Full { queue: queue() },
                Fate::Unroutable => error = MessagingError::NoQueue { queue: queue() },
            }
            tokio::time::sleep(wait).await;
        }
        Err(error)
    }

    /// Sends a message and waits for its fate, over several connections if need be.
    pub(super) async fn send(
        &self,
        parcel: &Parcel<'_>,
        doubt: Doubt,
        deadline: Instant,
    ) -> Result<Fate, MessagingError> {
        loop {
            self.open()?;
            let link = self.sending.link(deadline).await?;
            let send = async {
                if let Some(queue) = parcel.queue {
                    queue.declare(&link).await?;
                }
                let Parcel { exchange, key, mandatory, properties, body, .. } = parcel;
                link.publish(exchange, key, *mandatory, properties.clone(), body).await
            };
            let sent = tokio::select! {
                biased;
                () = self.closed() => return Err(MessagingError::Closed),
                sent = timeout_at(deadline, link.guard(send)) => sent,
            };
            let error = match sent {
                Ok(Ok(fate)) => {
                    if let (Fate::Unroutable, Some(queue)) = (&fate, parcel.queue) {
                        link.forget_declared(&queue.name);
                    }
                    return Ok(fate);
                }
                Ok(Err(error)) => error,
                Err(_) if link.blocked() => LinkError::Blocked,
                Err(_) => LinkError::Unconfirmed,
            };
            link.suspect();
            let again = Instant::now() + AGAIN;
            if error.refused() || doubt == Doubt::Fail || again >= deadline {
                return Err(broker(Arc::new(error)));
            }
            tokio::time::sleep_until(again).await;
        }
    }
}

/// Consumers that are putting their deliveries back. Whoever comes after them waits, so that
/// messages keep their order.
#[derive(Default)]
pub(super) struct Endings(Arc<watch::Sender<usize>>);

/// One of them. Dropping it says that it is done.
pub(super) struct Ending(Arc<watch::Sender<usize>>);

impl Endings {
    pub(super) fn begin(&self) -> Ending {
        self.0.send_modify(|count| *count += 1);
        Ending(Arc::clone(&self.0))
    }

    pub(super) async fn settled(&self) {
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
