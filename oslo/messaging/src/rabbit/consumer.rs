use std::sync::Arc;

use async_trait::async_trait;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio::runtime::Handle;

use super::hub::chain;
use super::link::LinkError;
use super::message::attempt;
use super::subscription::{Life, Subscriber};
use crate::{Consumer, Delivery, MessagingError, Settle};

/// Receives from a queue of the broker.
pub(super) struct RabbitConsumer(pub(super) Subscriber);

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let (incoming, life) = self.0.next().await?;
            let attempt = attempt(&incoming.properties, incoming.redelivered);
            let queue = self.0.queue.name.clone();
            let runtime = self.0.shared.runtime.clone();
            let settlement = Settlement { queue, life, runtime, acker: Some(incoming.acker) };
            match serde_json::from_slice(&incoming.data) {
                Ok(envelope) => {
                    return Some(Delivery::new(envelope, attempt, Box::new(settlement)));
                }
                Err(error) => {
                    let queue = settlement.queue.clone();
                    tracing::error!(queue, %error, "a message that is no envelope is refused");
                    settlement.refuse();
                }
            }
        }
    }
}

impl Drop for RabbitConsumer {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Settlement {
    queue: String,
    life: Arc<Life>,
    runtime: Handle,
    /// `None` once settled.
    acker: Option<Acker>,
}

impl Settlement {
    /// The broker does not confirm it: what counts is that it was sent while the channel lived. If
    /// the connection breaks at that moment the message comes again.
    fn settled(&self, sent: Result<bool, LinkError>) -> Result<(), MessagingError> {
        match sent {
            Ok(true) if self.life.goes_on() => Ok(()),
            sent => {
                if let Err(error) = sent {
                    tracing::debug!(queue = self.queue, error = chain(&error), "not settled");
                }
                Err(MessagingError::Stale { queue: self.queue.clone() })
            }
        }
    }

    async fn nack_with(&mut self, requeue: bool) -> Result<(), MessagingError> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        let sent = acker.nack(BasicNackOptions { multiple: false, requeue });
        let sent = self.life.settle(sent).await;
        self.settled(sent)
    }

    /// To the dead letters, without waiting.
    fn refuse(mut self) {
        let runtime = self.runtime.clone();
        // Not settled means that it comes again, and is refused then.
        runtime.spawn(async move { self.nack_with(false).await });
    }
}

#[async_trait]
impl Settle for Settlement {
    async fn ack(mut self: Box<Self>) -> Result<(), MessagingError> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        let sent = self.life.settle(acker.ack(BasicAckOptions::default())).await;
        self.settled(sent)
    }

    async fn nack(mut self: Box<Self>, requeue: bool) -> Result<(), MessagingError> {
        self.nack_with(requeue).await
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        let Some(acker) = self.acker.take() else { return };
        if self.life.goes_on() {
            self.life.dropped(acker);
        }
    }
}
