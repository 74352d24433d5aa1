use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::{Envelope, MessagingError, RemoteError};

/// The name of the queue that the messages refused in `queue` go to.
pub fn dead_letters(queue: &str) -> String {
    format!("{queue}.dead")
}

/// A way for messages to travel. Queues and targets need no declaration: they exist from their
/// first use.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Puts a message into a queue. `Ok` means that the queue has it, whether or not there is
    /// a receiver; after an error it may have it.
    async fn publish(&self, queue: &str, envelope: Envelope) -> Result<(), MessagingError>;

    /// Starts to receive from a queue, with at most `prefetch` (at least one) unsettled
    /// deliveries at a time. Several consumers of one queue share its messages.
    async fn consume(
        &self,
        queue: &str,
        prefetch: u16,
    ) -> Result<Box<dyn Consumer>, MessagingError>;

    /// Asks whoever serves `target` and waits for the answer, at most for `deadline`.
    async fn call(
        &self,
        target: &str,
        request: Envelope,
        deadline: Duration,
    ) -> Result<Envelope, MessagingError>;

    /// Starts to serve a target, with at most `prefetch` (at least one) unanswered requests at a
    /// time. Several servers of one target share its requests.
    async fn serve(&self, target: &str, prefetch: u16) -> Result<Box<dyn Server>, MessagingError>;

    /// Ends everything: consumers and servers get `None`, waiting calls and everything begun
    /// later fail with `Closed`. Unsettled deliveries go back to their queues.
    async fn close(&self);
}

/// Receives from one queue. Dropping it puts its unsettled deliveries back.
#[async_trait]
pub trait Consumer: Send {
    /// The next message, as soon as there is one and the prefetch has room; `None` when the
    /// transport is closed. Dropping the future loses no message.
    async fn next(&mut self) -> Option<Delivery>;
}

/// Receives the requests to one target. Dropping it abandons none that it has handed out.
#[async_trait]
pub trait Server: Send {
    /// The next request whose caller still waits, as soon as there is one and the prefetch has
    /// room; `None` when the transport is closed. Dropping the future loses no request.
    async fn next(&mut self) -> Option<Request>;
}

/// A message in the hands of a receiver. Unless it is settled it goes back to the front of its
/// queue: when it is dropped, or at the latest when its consumer is.
pub struct Delivery {
    /// The message.
    pub envelope: Envelope,
    /// The how-manieth delivery of this message it is, from 1. A receiver that sees a large
    /// number holds a message that kills its receivers.
    pub attempt: u32,
    settle: Box<dyn Settle>,
}

/// What a transport does when a delivery is settled. Dropping it puts the message back.
#[async_trait]
pub trait Settle: Send + Sync {
    /// The message is done with.
    async fn ack(self: Box<Self>) -> Result<(), MessagingError>;
    /// The message goes back to its queue, or to the dead letters.
    async fn nack(self: Box<Self>, requeue: bool) -> Result<(), MessagingError>;
}

impl Delivery {
    /// For transports.
    pub fn new(envelope: Envelope, attempt: u32, settle: Box<dyn Settle>) -> Self {
        Self { envelope, attempt, settle }
    }

    /// The message is done with and leaves its queue. After an error it may come again.
    pub async fn ack(self) -> Result<(), MessagingError> {
        self.settle.ack().await
    }

    /// Gives the message up: back to the front of its queue, or, without `requeue`, to the dead
    /// letters.
    pub async fn nack(self, requeue: bool) -> Result<(), MessagingError> {
        self.settle.nack(requeue).await
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("envelope", &self.envelope)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// A request in the hands of a server. Dropping it without an answer tells the caller, where the
/// transport can, or leaves it to its deadline.
pub struct Request {
    /// The message.
    pub envelope: Envelope,
    /// When the caller stops waiting.
    pub expires: Instant,
    reply: Box<dyn Reply>,
}

/// How a transport brings an answer back. Dropping it abandons the request.
#[async_trait]
pub trait Reply: Send + Sync {
    /// Sends the answer.
    async fn send(
        self: Box<Self>,
        answer: Result<Envelope, RemoteError>,
    ) -> Result<(), MessagingError>;
}

impl Request {
    /// For transports.
    pub fn new(envelope: Envelope, expires: Instant, reply: Box<dyn Reply>) -> Self {
        Self { envelope, expires, reply }
    }

    /// Answers. `Ok` does not mean that the caller was still waiting.
    pub async fn answer(self, envelope: Envelope) -> Result<(), MessagingError> {
        self.reply.send(Ok(envelope)).await
    }

    /// Answers that it cannot be done; the caller gets a `Remote` error. `Ok` does not mean that
    /// the caller was still waiting.
    pub async fn refuse(self, error: RemoteError) -> Result<(), MessagingError> {
        self.reply.send(Err(error)).await
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("envelope", &self.envelope)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
