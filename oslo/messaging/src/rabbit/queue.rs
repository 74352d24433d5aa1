//! What queues are like, and their declaration.

use std::sync::Arc;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::RabbitOptions;
use super::link::{Link, LinkError, differs, short};
use crate::dead_letters;

/// A queue of calls that nobody serves or calls any more goes away after this many milliseconds.
const CALLS_LINGER: i64 = 60_000;
/// How many calls may wait for servers of one target.
const CALLS_LENGTH: i64 = 10_000;

/// A queue as it is declared before its first use over each connection.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    options: QueueDeclareOptions,
    arguments: FieldTable,
    /// Declared before it, so that nothing that is refused is lost.
    dead: Option<Arc<Queue>>,
    /// A topic exchange, made like the queue, that passes on what has the queue's name for a key.
    exchange: Option<String>,
}

impl Queue {
    /// A work queue, or the dead letters of one if it is named so.
    pub(super) fn of_work(name: &str, options: &RabbitOptions) -> Self {
        let suffix = dead_letters("");
        let is_dead = name.ends_with(&suffix);
        let mut arguments = FieldTable::default();
        set_number(&mut arguments, "x-max-length", i64::from(options.queue_length.max(1)));
        if options.quorum_queues {
            set_text(&mut arguments, "x-queue-type", "quorum");
        }
        if is_dead {
            set_text(&mut arguments, "x-overflow", "drop-head");
        } else {
            set_text(&mut arguments, "x-overflow", "reject-publish");
            set_text(&mut arguments, "x-dead-letter-exchange", "");
            set_text(&mut arguments, "x-dead-letter-routing-key", &dead_letters(name));
            if options.quorum_queues {
                set_text(&mut arguments, "x-dead-letter-strategy", "at-least-once");
                // The broker counts how often a message came back, not how often it went out.
                let limit = i64::from(options.delivery_limit.max(1)) - 1;
                set_number(&mut arguments, "x-delivery-limit", limit);
            }
        }
        let dead = (!is_dead).then(|| Arc::new(Self::of_work(&dead_letters(name), options)));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        Self { name: name.to_owned(), options, arguments, dead, exchange: None }
    }

    /// The queue of calls to a target. It is there while somebody serves.
    pub(super) fn of_calls(target: &str, options: &RabbitOptions) -> Self {
        let mut arguments = FieldTable::default();
        set_number(&mut arguments, "x-expires", CALLS_LINGER);
        set_number(&mut arguments, "x-max-length", CALLS_LENGTH);
        set_text(&mut arguments, "x-overflow", "reject-publish");
        let durable = options.durable_call_queues;
        let options =
            QueueDeclareOptions { durable, auto_delete: true, ..QueueDeclareOptions::default() };
        Self { name: target.to_owned(), options, arguments, dead: None, exchange: None }
    }

    /// Where the answers to one connection's calls arrive. It goes with the connection.
    pub(super) fn of_answers(name: String) -> Self {
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        Self { name, options, arguments: FieldTable::default(), dead: None, exchange: None }
    }

    /// Where notifications wait for listeners, as oslo.messaging declares it.
    pub(super) fn of_notifications(
        exchange: &str,
        name: String,
        durable: bool,
        quorum: bool,
    ) -> Self {
        let mut arguments = FieldTable::default();
        if quorum {
            set_text(&mut arguments, "x-queue-type", "quorum");
        }
        let options =
            QueueDeclareOptions { durable: durable || quorum, ..QueueDeclareOptions::default() };
        Self { name, options, arguments, dead: None, exchange: Some(exchange.to_owned()) }
    }

    /// Makes it, unless this connection has done so already.
    pub(super) async fn declare(&self, link: &Link) -> Result<(), LinkError> {
        if link.has_declared(&self.name) {
            return Ok(());
        }
        let _turn = link.turn().await;
        if link.has_declared(&self.name) {
            return Ok(());
        }
        if let Some(dead) = &self.dead {
            dead.declare_over(link, link.channel().await?).await?;
        }
        if let Some(exchange) = &self.exchange {
            self.declare_exchange(link, exchange).await?;
        }
        self.declare_over(link, link.channel().await?).await?;
        link.note_declared(self.name.clone());
        Ok(())
    }

    async fn declare_over(&self, link: &Link, channel: Channel) -> Result<(), LinkError> {
        let name = short(&self.name)?;
        let made = channel.queue_declare(name.clone(), self.options, self.arguments.clone()).await;
        match made {
            Ok(_) => {}
            Err(error) if differs(&error) => {
                tracing::warn!(
                    queue = self.name,
                    %error,
                    "the queue was made with other settings and is used as it is"
                );
                let passive = QueueDeclareOptions { passive: true, ..self.options };
                let channel = link.channel().await?;
                channel.queue_declare(name.clone(), passive, FieldTable::default()).await?;
                return self.bind(&channel).await;
            }
            Err(error) => return Err(error.into()),
        }
        self.bind(&channel).await
    }

    async fn bind(&self, channel: &Channel) -> Result<(), LinkError> {
        let Some(exchange) = &self.exchange else { return Ok(()) };
        let (name, exchange) = (short(&self.name)?, short(exchange)?);
        let options = QueueBindOptions::default();
        channel.queue_bind(name.clone(), exchange, name, options, FieldTable::default()).await?;
        Ok(())
    }

    async fn declare_exchange(&self, link: &Link, exchange: &str) -> Result<(), LinkError> {
        let name = short(exchange)?;
        let durable = self.options.durable;
        let options = ExchangeDeclareOptions { durable, ..ExchangeDeclareOptions::default() };
        let nothing = FieldTable::default;
        let channel = link.channel().await?;
        let made = channel.exchange_declare(name.clone(), ExchangeKind::Topic, options, nothing());
        match made.await {
            Err(error) if differs(&error) => {
                tracing::warn!(
                    exchange,
                    %error,
                    "the exchange was made with other settings and is used as it is"
                );
                let passive = ExchangeDeclareOptions { passive: true, ..options };
                let channel = link.channel().await?;
                channel.exchange_declare(name, ExchangeKind::Topic, passive, nothing()).await?;
                Ok(())
            }
            made => Ok(made?),
        }
    }
}

fn set_text(arguments: &mut FieldTable, name: &str, value: &str) {
    arguments.insert(name.into(), AMQPValue::LongString(value.into()));
}

fn set_number(arguments: &mut FieldTable, name: &str, value: i64) {
    arguments.insert(name.into(), AMQPValue::LongLongInt(value));
}
