use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lapin::Acker;
use lapin::options::BasicAckOptions;
use tokio::time::timeout;

use super::message::{Answer, encode, patience, transient};
use super::shared::{Doubt, Parcel, Shared};
use super::subscription::Subscriber;
use crate::{Envelope, MessagingError, RemoteError, Reply, Request, Server};

/// How long telling the broker that a request is done with may take.
const ACK: Duration = Duration::from_secs(5);

/// Receives the requests to a target.
pub(super) struct RabbitServer(pub(super) Subscriber);

#[async_trait]
impl Server for RabbitServer {
    async fn next(&mut self) -> Option<Request> {
        loop {
            // The channel lives as long as the ackers of its deliveries need it.
            let (incoming, life) = self.0.next().await?;
            let text = |text: &Option<lapin::types::ShortString>| {
                text.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default()
            };
            let properties = &incoming.properties;
            let open = Open {
                reply_to: text(properties.reply_to()),
                correlation: text(properties.correlation_id()),
                acker: incoming.acker,
                _life: life,
            };
            let expires = Instant::now() + patience(properties);
            let reply = RabbitReply { shared: Arc::clone(&self.0.shared), open: Some(open) };
            // Whoever had it before may have carried it out: it is not done twice, its caller is
            // told instead.
            if incoming.redelivered {
                drop(reply);
                continue;
            }
            match serde_json::from_slice(&incoming.data) {
                Ok(envelope) => return Some(Request::new(envelope, expires, Box::new(reply))),
                Err(error) => {
                    tracing::error!(target = self.0.queue.name, %error, "a request that is none");
                }
            }
        }
    }
}

impl Drop for RabbitServer {
    fn drop(&mut self) {
        self.0.stop();
    }
}

struct RabbitReply {
    shared: Arc<Shared>,
    /// `None` once answered.
    open: Option<Open>,
}

struct Open {
    reply_to: String,
    correlation: String,
    acker: Acker,
    _life: Arc<super::subscription::Life>,
}

impl Open {
    async fn finish(self, shared: &Shared, answer: &Answer) -> Result<(), MessagingError> {
        let sent = self.send(shared, answer).await;
        // Also after an error: nobody is to do the same again. The broker takes it back anyway
        // when the channel has gone.
        let _ = timeout(ACK, self.acker.ack(BasicAckOptions::default())).await;
        sent
    }

    async fn send(&self, shared: &Shared, answer: &Answer) -> Result<(), MessagingError> {
        if self.reply_to.is_empty() {
            return Ok(());
        }
        let broken = |source| MessagingError::Broker { source: Box::new(source) };
        let parcel = Parcel {
            exchange: "",
            key: &self.reply_to,
            queue: None,
            // A caller that is gone is no error, and not worth a message coming back.
            mandatory: false,
            properties: transient(&self.correlation),
            body: &encode(answer).map_err(broken)?,
        };
        // The second of two answers is dropped as a late one.
        shared.send(&parcel, Doubt::Repeat, shared.deadline()).await.map(drop)
    }
}

#[async_trait]
impl Reply for RabbitReply {
    async fn send(
        mut self: Box<Self>,
        answer: Result<Envelope, RemoteError>,
    ) -> Result<(), MessagingError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let answer = match answer {
            Ok(envelope) => Answer::Answered(envelope),
            Err(error) => Answer::Refused(error),
        };
        open.finish(&self.shared, &answer).await
    }
}

impl Drop for RabbitReply {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        let shared = Arc::clone(&self.shared);
        let runtime = shared.runtime.clone();
        runtime.spawn(async move { open.finish(&shared, &Answer::Abandoned).await });
    }
}
