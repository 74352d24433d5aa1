//! The transport over RabbitMQ.

mod answers;
mod consumer;
mod hub;
mod link;
mod message;
mod options;
mod queue;
mod server;
mod shared;
mod subscription;
mod tls;
mod url;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};

use self::consumer::RabbitConsumer;
use self::link::Fate;
use self::message::{Answer, encode, expiration, persistent, transient};
use self::queue::Queue;
use self::server::RabbitServer;
use self::shared::{Doubt, Parcel, Shared};
use self::subscription::Subscriber;
use crate::{Consumer, Envelope, MessagingError, NotifierOptions, Server, Transport};

pub(crate) use self::hub::chain;
pub use self::link::LinkError as RabbitLinkError;
pub use self::options::{RabbitOptions, RabbitOptionsError, RabbitTls};
pub use self::tls::TlsError as RabbitTlsError;
pub use self::url::{TransportHost, TransportUrl, TransportUrlError};

/// Queues and calls over RabbitMQ (3.10 and later). Clones are the same transport.
///
/// - **Connections**: two, one to send and one to receive, each to one of the URL's brokers. They
///   come back by themselves, with a wait that grows and is random, at the next broker first. While
///   there is none, sending waits for at most [`RabbitOptions::publish_timeout`] and fails
///   with `Broker`; consumers and servers wait and go on. A login that is refused is `Refused`.
/// - **Queues** are quorum queues, bounded, with dead letters. `publish` returns when the broker
///   has confirmed that the message is safe in the queue. Where a connection breaks before that,
///   the message is sent again, and may be in the queue twice.
/// - **Deliveries** die with their connection: the broker puts them back, and settling one then
///   fails with `Stale`. Receivers tolerate that, as they tolerate to see the message again. A broker
///   also takes a delivery back that nobody settles for long (30 minutes by default).
/// - **Calls** go to a queue that is there as long as somebody serves it, so that a target without
///   servers fails at once with `NoServer`. A request leaves the queue when its caller stops waiting.
///   It is handed out once at the most: when a server dies with it, the caller gets
///   `Abandoned` from another server, or its deadline. When the connection breaks that the answer
///   would come over, the call fails with `Broker`. Nobody knows then whether it was carried out.
///   [`Request::expires`](crate::Request::expires) counts from when the request was received.
///
/// The `trace` level of the crate `lapin` shows messages with their content.
#[derive(Clone)]
pub struct RabbitMq {
    shared: Arc<Shared>,
}

impl RabbitMq {
    /// Begins to connect, and does not wait for it: a service can start before its broker.
    /// Needs a tokio runtime around it. Fails only for TLS files that cannot be used.
    pub fn start(options: RabbitOptions) -> Result<Self, RabbitTlsError> {
        if let Some(tls) = &options.tls {
            tls.client()?;
        }
        Ok(Self { shared: Arc::new(Shared::start(options)) })
    }

    /// Connects, and fails when every broker was tried once in vain: `Refused` for a login that
    /// is wrong, `Broker` otherwise.
    pub async fn connect(options: RabbitOptions) -> Result<Self, MessagingError> {
        let tls = |source| MessagingError::Broker { source: Box::new(source) };
        let transport = Self::start(options).map_err(tls)?;
        let shared = &transport.shared;
        tokio::try_join!(shared.sending.first(), shared.receiving.first())?;
        Ok(transport)
    }

    /// Sends the request, and gives the answer as it came.
    async fn ask(
        &self,
        target: &str,
        request: Envelope,
        deadline: Duration,
    ) -> Result<Answer, MessagingError> {
        let shared = &self.shared;
        let until = Instant::now() + deadline;
        let body = encode(&request).map_err(broken)?;
        let answers = shared.answers.queue(shared, until).await?;
        let mut waiting = answers.wait()?;
        let properties = transient(&waiting.correlation)
            .with_reply_to(answers.name.as_str().into())
            .with_expiration(expiration(until.saturating_duration_since(Instant::now())).into());
        let parcel = Parcel {
            exchange: "",
            key: target,
            queue: None,
            mandatory: true,
            properties,
            body: &body,
        };
        let target = || target.to_owned();
        match shared.send(&parcel, Doubt::Fail, until).await? {
            Fate::Taken => {}
            Fate::Unroutable => return Err(MessagingError::NoServer { target: target() }),
            Fate::Refused => return Err(MessagingError::Full { queue: target() }),
        }
        match timeout_at(until, &mut waiting.answer).await {
            Ok(Ok(answer)) => Ok(answer),
            // The queue of answers has gone, with its connection or with the transport.
            Ok(Err(_)) => {
                shared.open()?;
                Err(shared.receiving.cause())
            }
            Err(_) => Err(MessagingError::Deadline { target: target(), deadline }),
        }
    }
}

/// For notifications.
impl RabbitMq {
    /// Puts a message where the listeners of `key` find it.
    pub(crate) async fn tell(
        &self,
        options: &NotifierOptions,
        key: String,
        body: &[u8],
    ) -> Result<(), MessagingError> {
        let NotifierOptions { exchange, durable, quorum, .. } = options;
        let queue = Queue::of_notifications(exchange, key.clone(), *durable, *quorum);
        let parcel = Parcel {
            exchange,
            key: &key,
            queue: Some(&queue),
            mandatory: true,
            properties: persistent(),
            body,
        };
        self.shared.deliver(&parcel, Instant::now() + options.patience).await
    }
}

fn broken(error: serde_json::Error) -> MessagingError {
    MessagingError::Broker { source: Box::new(error) }
}

#[async_trait]
impl Transport for RabbitMq {
    async fn publish(&self, queue: &str, envelope: Envelope) -> Result<(), MessagingError> {
        let shared = &self.shared;
        let deadline = shared.deadline();
        let declared = Queue::of_work(queue, &shared.options);
        let parcel = Parcel {
            exchange: "",
            key: queue,
            queue: Some(&declared),
            mandatory: true,
            properties: persistent(),
            body: &encode(&envelope).map_err(broken)?,
        };
        shared.deliver(&parcel, deadline).await
    }

    async fn consume(
        &self,
        queue: &str,
        prefetch: u16,
    ) -> Result<Box<dyn Consumer>, MessagingError> {
        self.shared.open()?;
        let declared = Queue::of_work(queue, &self.shared.options);
        let subscriber = Subscriber::start(Arc::clone(&self.shared), declared, prefetch).await?;
        Ok(Box::new(RabbitConsumer(subscriber)))
    }

    async fn call(
        &self,
        target: &str,
        request: Envelope,
        deadline: Duration,
    ) -> Result<Envelope, MessagingError> {
        self.shared.open()?;
        let target = || target.to_owned();
        match self.ask(&target(), request, deadline).await? {
            Answer::Answered(envelope) => Ok(envelope),
            Answer::Refused(source) => Err(MessagingError::Remote { target: target(), source }),
            Answer::Abandoned => Err(MessagingError::Abandoned { target: target() }),
        }
    }

    async fn serve(&self, target: &str, prefetch: u16) -> Result<Box<dyn Server>, MessagingError> {
        self.shared.open()?;
        let declared = Queue::of_calls(target, &self.shared.options);
        let subscriber = Subscriber::start(Arc::clone(&self.shared), declared, prefetch).await?;
        Ok(Box::new(RabbitServer(subscriber)))
    }

    async fn close(&self) {
        self.shared.close().await;
    }
}
